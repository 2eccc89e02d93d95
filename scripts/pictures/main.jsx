// Draws a dashboard's JSON with Grafana's own panel components over a real Prometheus. It is no Grafana server.
import {
  applyFieldOverrides, createTheme, dateTime, getFieldDisplayValues, transformDataFrame, VizOrientation,
} from "@grafana/data";
import { BarGauge, BigValue, PanelChrome, Table, ThemeContext, TimeSeries } from "@grafana/ui";
import React from "react";
import { createRoot } from "react-dom/client";
import { lastValueFrom } from "rxjs";

import { fillRegistries, registry } from "./fields.js";
import { end, fill, frames, parameters, start } from "./queries.js";

fillRegistries();
const theme = createTheme({ colors: { mode: parameters.theme ?? "dark" } });
const CELL = 38, GAP = 8, WIDTH = Number(parameters.width ?? 1600), HEADER = 36;
const COLUMN = (WIDTH - 2 * GAP + GAP) / 24;
const timeRange = { from: dateTime(start * 1000), to: dateTime(end * 1000), raw: { from: "now-6h", to: "now" } };
window.waiting = 0;
window.problems = [];

function styled(panel, data) {
  const fieldConfig = structuredClone(panel.fieldConfig);
  fieldConfig.defaults.custom ??= {};
  return applyFieldOverrides({
    data, fieldConfig, fieldConfigRegistry: registry, replaceVariables: (text) => fill(text), theme, timeZone: "utc",
  });
}

async function prepared(panel) {
  let data = await frames(panel);
  if (panel.transformations) {
    data = await lastValueFrom(transformDataFrame(panel.transformations, data, { interpolate: (text) => text }));
  }
  return styled(panel, data);
}

function values(panel, data) {
  return getFieldDisplayValues({
    fieldConfig: panel.fieldConfig, reduceOptions: panel.options.reduceOptions, replaceVariables: (text) => fill(text),
    theme, data, sparkline: false, timeZone: "utc",
  });
}

const Empty = ({ text, height }) => (
  <div style={{ height, display: "grid", placeItems: "center", color: theme.colors.text.secondary }}>{text}</div>
);

function Stat({ panel, data, width, height }) {
  const [first] = values(panel, data);
  const display = data.length ? { ...first.display, title: undefined } : { text: panel.fieldConfig.defaults.noValue };
  return (
    <BigValue
      value={display} width={width} height={height} theme={theme} colorMode={panel.options.colorMode} graphMode="none"
      justifyMode={panel.options.justifyMode} textMode={panel.options.textMode} />
  );
}

function Bars({ panel, data, width, height }) {
  if (!data.length) return <Empty text={panel.fieldConfig.defaults.noValue} height={height} />;
  const shown = values(panel, data);
  const each = Math.min(height / shown.length, 64);
  const longest = shown.reduce((a, b) => (a.display.title.length > b.display.title.length ? a : b));
  return shown.map((value, index) => (
    <div key={index} style={{ height: each, paddingBottom: 4 }}>
      <BarGauge
        value={value.display} field={value.field} display={value.view?.getFieldDisplayProcessor(value.colIndex)}
        width={width} height={each - 4} theme={theme} orientation={VizOrientation.Horizontal} itemSpacing={8}
        alignmentFactors={{ title: longest.display.title, text: "0000000" }} displayMode={panel.options.displayMode}
        showUnfilled={panel.options.showUnfilled} namePlacement={panel.options.namePlacement} />
    </div>
  ));
}

function Lines({ panel, data, width, height }) {
  if (!data.length) return <Empty text={panel.fieldConfig.defaults.noValue} height={height} />;
  return (
    <TimeSeries
      frames={data} timeRange={timeRange} timeZone="utc" width={width} height={height} legend={panel.options.legend}
      tweakScale={(scale) => scale} tweakAxis={(axis) => axis} options={{}} />
  );
}

function Rows({ panel, data, width, height }) {
  if (!data.length || !data[0].length) return <Empty text={panel.fieldConfig.defaults.noValue} height={height} />;
  return (
    <Table
      data={data[0]} width={width} height={height} initialSortBy={panel.options.sortBy} cellHeight={panel.options.cellHeight}
      timeRange={timeRange} />
  );
}

const KINDS = { stat: Stat, bargauge: Bars, timeseries: Lines, table: Rows };

class Boundary extends React.Component {
  state = {};
  static getDerivedStateFromError(error) {
    return { error };
  }
  componentDidCatch(error) {
    window.problems.push(`${this.props.title}: ${error.stack}`);
  }
  render() {
    return this.state.error ? <pre>{String(this.state.error)}</pre> : this.props.children;
  }
}

function Panel({ panel }) {
  const [data, setData] = React.useState();
  React.useEffect(() => {
    window.waiting += 1;
    prepared(panel)
      .then(setData)
      .catch((error) => window.problems.push(`${panel.title}: ${error.stack}`))
      .finally(() => { window.waiting -= 1; window.began = true; });
  }, [panel]);
  const { x, y, w, h } = panel.gridPos;
  const width = w * COLUMN - GAP, height = h * CELL - GAP;
  const Kind = KINDS[panel.type];
  return (
    <div style={{ position: "absolute", left: GAP + x * COLUMN, top: HEADER + y * CELL, width, height }}>
      <PanelChrome title={fill(panel.title)} description={panel.description} width={width} height={height}>
        {(innerWidth, innerHeight) => data && (
          <Boundary title={panel.title}><Kind panel={panel} data={data} width={innerWidth} height={innerHeight} /></Boundary>
        )}
      </PanelChrome>
    </div>
  );
}

function Heading({ panel }) {
  const style = {
    position: "absolute", left: GAP + 8, top: HEADER + panel.gridPos.y * CELL, height: 30, lineHeight: "30px",
    fontSize: 16, fontWeight: 500, color: theme.colors.text.primary,
  };
  return <div style={style}>⌄ {panel.title}</div>;
}

function Dashboard({ dashboard }) {
  const bottom = Math.max(...dashboard.panels.map(({ gridPos: { y, h } }) => y + h));
  const note = `${dashboard.title} — drawn by Grafana's panel components (@grafana/ui) over a real Prometheus, simulated calls`;
  return (
    <div style={{ position: "relative", width: WIDTH, height: HEADER + bottom * CELL, background: theme.colors.background.canvas }}>
      <div style={{ padding: "8px 16px", color: theme.colors.text.secondary, fontSize: 14 }}>{note}</div>
      {dashboard.panels.map((panel) => panel.type === "row"
        ? <Heading key={panel.id} panel={panel} />
        : <Panel key={panel.id} panel={panel} />)}
    </div>
  );
}

const style = document.createElement("style");
style.textContent = `* { box-sizing: border-box } body { margin: 0; font-family: ${theme.typography.fontFamily};
  font-size: 14px; color: ${theme.colors.text.primary}; background: ${theme.colors.background.canvas} }
  table { border-collapse: collapse } button { font: inherit; color: inherit; background: none; border: 0 }
  [class*="visually"], thead .sr-only { display: none }
  h2, h6 { font-size: 14px; font-weight: 500; margin: 0 } ul { list-style: none; margin: 0; padding: 0 }`;
document.head.append(style);
fetch(parameters.dashboard).then((response) => response.json()).then((dashboard) => {
  createRoot(document.getElementById("root")).render(
    <ThemeContext.Provider value={theme}><Dashboard dashboard={dashboard} /></ThemeContext.Provider>);
});
