/** Which metrics share a plot. `nbtrack.views.metric_names` does the same in Python; one table of cases tests both. */

export interface MetricName {
  /** What is measured, such as `loss`. */
  group: string;
  /** On which data: `train`, `val`, `test`, or empty. */
  split: string;
}

const SPLITS: Record<string, string> = {
  train: 'train',
  training: 'train',
  val: 'val',
  valid: 'val',
  validation: 'val',
  dev: 'val',
  eval: 'val',
  test: 'test',
  testing: 'test'
};

/** Split a metric's name into what is measured and on which data. */
export function parseMetric(key: string): MetricName {
  const parts = key.split(/([/_.\- ])/);
  const words = parts.filter((_, i) => i % 2 === 0);
  if (words.length > 1) {
    const slash = parts.lastIndexOf('/');
    const candidates = [0, slash >= 0 ? slash + 1 : 0, parts.length - 1];
    for (const at of candidates) {
      const split = SPLITS[(parts[at] ?? '').toLowerCase()];
      if (split === undefined) continue;
      // the separator goes with the word: the one after it, or before it at the end
      const rest = parts.filter((_, i) => i !== at && i !== (at + 1 < parts.length ? at + 1 : at - 1));
      const group = rest.join('');
      if (group !== '') return { group, split };
    }
  }
  return { group: key, split: '' };
}

/** Order of the plots: losses, then the others as they came, then the machine's own metrics. */
export function groupRank(group: string): number {
  if (group.startsWith('system/')) return 2;
  return /loss/i.test(group) ? 0 : 1;
}
