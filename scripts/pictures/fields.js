// The registry of standard field options, which Grafana's server fills and its packages do not export: without it units,
// thresholds and overrides would be ignored.
import {
  booleanOverrideProcessor, dataLinksOverrideProcessor, displayNameOverrideProcessor, identityOverrideProcessor,
  numberOverrideProcessor, standardFieldConfigEditorRegistry, standardTransformers, standardTransformersRegistry,
  stringOverrideProcessor, thresholdsOverrideProcessor, unitOverrideProcessor, valueMappingsOverrideProcessor,
} from "@grafana/data";

const PROCESSORS = {
  unit: unitOverrideProcessor, min: numberOverrideProcessor, max: numberOverrideProcessor,
  decimals: numberOverrideProcessor, displayName: displayNameOverrideProcessor, noValue: stringOverrideProcessor,
  mappings: valueMappingsOverrideProcessor, thresholds: thresholdsOverrideProcessor, color: identityOverrideProcessor,
  links: dataLinksOverrideProcessor, filterable: booleanOverrideProcessor,
};
const CUSTOM = [
  "drawStyle", "lineWidth", "fillOpacity", "lineStyle", "stacking", "spanNulls", "showPoints", "pointSize",
  "barAlignment", "lineInterpolation", "thresholdsStyle", "axisSoftMax", "axisPlacement", "width", "align",
];

function option(path, id, process, isCustom) {
  return {
    id, path, name: id, isCustom, process, shouldApply: () => true, editor: () => null, override: () => null, settings: {},
    getItemsCount: () => 1,
  };
}

const STANDARD = Object.entries(PROCESSORS).map(([name, process]) => option(name, name, process, false));
const CUSTOMS = CUSTOM.map((name) => option(name, `custom.${name}`, identityOverrideProcessor, true));
const ALL = [...STANDARD, ...CUSTOMS];

export const registry = { getIfExists: (id) => ALL.find((each) => each.id === id), list: () => ALL };

export function fillRegistries() {
  standardFieldConfigEditorRegistry.setInit(() => STANDARD);
  standardTransformersRegistry.setInit(() =>
    ["mergeTransformer", "organizeFieldsTransformer"].map((name) => {
      const transformation = standardTransformers[name];
      return { id: transformation.id, transformation: () => Promise.resolve(transformation), name, editor: () => null };
    }));
}
