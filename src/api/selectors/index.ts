/** Label and field selectors. */
export type { LabelMatcher, Labels } from './labels.ts';
export { formatLabels, formatLabelSelector, labelSelectorMatches, labelsMatch, parseLabelSelector } from './labels.ts';
export type { FieldTerm } from './fields.ts';
export { parseFieldSelector } from './fields.ts';
