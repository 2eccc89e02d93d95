// What Grafana does before and after a query: fills in variables and intervals, makes data frames of the answer.
import { FieldType, toDataFrame } from "@grafana/data";

export const parameters = Object.fromEntries(new URLSearchParams(window.location.search));
export const end = Number(parameters.end);
export const start = end - Number(parameters.range);
const SLOT_SECONDS = 300;

export function fill(text, interval = SLOT_SECONDS) {
  const values = {
    __range: `${parameters.range}s`, __interval: `${interval}s`, __interval_ms: `${1000 * interval}`, level: "5m",
    job: parameters.job ?? ".+", team: ".*", model: ".*", key: ".*", library: ".*", tag: "claude_tag_feature", tag_value: ".*", budget: parameters.budget ?? "5000",
  };
  return text.replace(/\$\{(\w+)\}|\$(\w+)/g, (whole, braced, plain) => values[braced ?? plain] ?? whole);
}

async function ask(path, query) {
  const response = await fetch(`${parameters.prometheus}/api/v1/${path}?${new URLSearchParams(query)}`);
  const answer = await response.json();
  if (answer.status !== "success" || answer.warnings || answer.infos) {
    throw new Error(JSON.stringify(answer.error ?? answer.warnings ?? answer.infos));
  }
  return answer.data.result;
}

function legend(format, labels) {
  const named = fill(format).replace(/\{\{\s*(.+?)\s*\}\}/g, (_, label) => labels[label] ?? "");
  return named.trim() || "Value";
}

const finite = (value) => (Number.isFinite(value) ? value : null);

function overTime(target, result, step) {
  return result.map((series) => {
    const known = new Map(series.values.map(([time, value]) => [time, Number(value)]));
    const times = [];
    for (let time = start; time <= end; time += step) times.push(time);
    return toDataFrame({
      refId: target.refId, name: legend(target.legendFormat, series.metric),
      fields: [
        { name: "Time", type: FieldType.time, values: times.map((time) => time * 1000), config: { interval: step * 1000 } },
        {
          name: "Value", type: FieldType.number, labels: series.metric, config: {
            displayNameFromDS: legend(target.legendFormat, series.metric),
          }, values: times.map((time) => finite(known.get(time))),
        },
      ],
    });
  });
}

function atOnce(target, result) {
  return result.map((series) => toDataFrame({
    refId: target.refId, name: legend(target.legendFormat, series.metric),
    fields: [
      { name: "Time", type: FieldType.time, values: [end * 1000] },
      {
        name: "Value", type: FieldType.number, labels: series.metric, values: [Number(series.value[1])],
        config: { displayNameFromDS: legend(target.legendFormat, series.metric) },
      },
    ],
  }));
}

function asTable(target, result, several) {
  const labels = [...new Set(result.flatMap((series) => Object.keys(series.metric)))].sort();
  const value = several ? `Value #${target.refId}` : "Value";
  return [toDataFrame({
    refId: target.refId,
    fields: [
      { name: "Time", type: FieldType.time, values: result.map(() => end * 1000) },
      ...labels.map((name) => ({ name, type: FieldType.string, values: result.map((s) => s.metric[name] ?? "") })),
      { name: value, type: FieldType.number, values: result.map((series) => Number(series.value[1])) },
    ],
  })];
}

export async function frames(panel) {
  const found = await Promise.all(panel.targets.map(async (target) => {
    if (target.instant) {
      const result = await ask("query", { query: fill(target.expr), time: end });
      return target.format === "table" ? asTable(target, result, panel.targets.length > 1) : atOnce(target, result);
    }
    const step = Math.max(Math.ceil((end - start) / panel.maxDataPoints / SLOT_SECONDS), 1) * SLOT_SECONDS;
    const result = await ask("query_range", { query: fill(target.expr, step), start, end, step });
    return overTime(target, result, step);
  }));
  return found.flat();
}
