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

const UNITS = [['_percentage', ' %'], ['_megabytes', ' MB'], ['_watts', ' W'], ['_watt_hours', ' Wh']] as const;

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
  if (isSystemMetric(group)) return 2;
  return /loss/i.test(group) ? 0 : 1;
}

/** Whether a metric is the machine's own, such as `system/cpu_utilization_percentage`. */
export function isSystemMetric(key: string): boolean {
  return key.startsWith('system/');
}

/** What stands above a plot: the name, of a metric of the machine in words and with its unit. */
export function titleOf(group: string): string {
  if (!isSystemMetric(group)) return group;
  const name = group.slice('system/'.length).replace(/^system_/, '').replace(/(memory|power)_usage/, '$1');
  const unit = UNITS.find(([ending]) => name.endsWith(ending));
  const words = (unit ? name.slice(0, -unit[0].length) + unit[1] : name).replace(/_/g, ' ');
  return words.replace(/^[cg]pu\b/, each => each.toUpperCase());
}

/** Which plot a metric stands in, and which of its curves it is: of a split, or of a node and a GPU. */
export function plotOf(key: string): MetricName & { part: string } {
  if (!isSystemMetric(key)) return { ...parseMetric(key), part: '' };
  const path = key.slice('system/'.length).split('/');
  const [, number, name] = /^gpu_(\d+)_(.+)$/.exec(path.at(-1)!) ?? [];
  const part = [...path.slice(0, -1), ...(number ? [`GPU ${number}`] : [])].join(' ');
  return { group: `system/${name ? `gpu_${name}` : path.at(-1)!}`, split: '', part };
}
