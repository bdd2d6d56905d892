import { h } from './dom';
import { counted, formatNumber } from './format';
import type { TableState } from './protocol_table';
import type { Page } from './requests';
import type { TableBar } from './table_bar';

/** What a table has of rows, of runs, and of what is selected, in numbers. */
export interface Counts {
  runs: number;
  rows: number;
  selected: number;
  /** How many of the selected are not among the rows. */
  hidden: number;
  note: string;
  /** What a row is. */
  unit: 'run' | 'row';
}

/** How many runs there are, and how many of them are selected, in words. */
export function countText({ runs, rows, selected, hidden, note, unit }: Counts): string {
  const all = note || counted(runs, unit);
  const shown = selected - hidden;
  const groups = rows !== runs ? ` in ${counted(rows, 'row')}` : '';
  const text = shown > 0 ? `${formatNumber(shown)} of ${all} selected` : `${all}${groups}`;
  if (hidden === 0) return text;
  return `${text}, ${formatNumber(hidden)} ${shown > 0 ? 'more' : 'selected'} ${hidden === 1 ? 'is' : 'are'} not shown`;
}

/** Says below a table how many rows it has, and in the place of rows why there are none. */
export class TableCount {
  readonly empty = h('div', { class: 'nbt-empty nbt-tableempty', hidden: true });
  runs = 0;
  rows = 0;
  /** The most rows there have been; null before anything is known. */
  most: number | null = null;
  note = '';
  private unit: Counts['unit'] = 'run';
  private hidden: ReadonlySet<string> = new Set();
  private isFailed = false;
  private checked = -1;

  constructor(
    private readonly bar: TableBar,
    private readonly host: HTMLElement,
    private readonly editable: boolean
  ) {}

  /** Take what a page says of all rows. */
  take(page: Page, { filter, stage }: TableState): void {
    this.rows = page.total;
    this.most = Math.max(this.most ?? 0, page.total);
    this.runs = page.runs ?? page.total;
    if (page.run_ids.length > 0) this.unit = page.run_ids[0]!.startsWith('row-') ? 'row' : 'run';
    this.setFailed(false);
    this.empty.hidden = page.total > 0;
    const first = 'No runs here yet. nbtrack.start_run() starts one; it appears by itself.';
    const none = stage === 'active' ? (this.unit === 'row' ? 'No rows.' : first) : `No ${stage} runs.`;
    this.empty.textContent = [filter ? `No ${this.unit} fits this filter.` : none, page.hint ?? ''].join(' ').trim();
  }

  /**
   * Say nothing of rows that could not be read. Those of another view are not what was asked for; those of this one
   * `stay`: they are not read again.
   */
  setFailed(failed: boolean, stay = false): void {
    this.isFailed = failed;
    this.host.classList.toggle('nbt-failed', failed && !stay);
    if (failed) this.empty.hidden = true;
  }

  /**
   * The selected runs that are not among the rows; null where nobody has to look.
   *
   * That is after a new filter, and where there are fewer rows than selected runs. `ask` are all rows.
   */
  async hiddenOf(selected: readonly string[], generation: number, ask: () => Promise<string[]>): Promise<string[] | null> {
    if (selected.length === 0 || (this.checked === generation && selected.length <= this.runs)) return null;
    this.checked = generation;
    try {
      const all = new Set(this.runs > 0 ? await ask() : []);
      const hidden = selected.filter(id => !all.has(id));
      this.hidden = new Set(hidden);
      return hidden;
    } catch {
      return null; // whoever asked for the rows says what is wrong
    }
  }

  show(selected: readonly string[], interrupted: boolean): void {
    const hidden = selected.filter(id => this.hidden.has(id)).length;
    const { runs, rows, note, unit } = this;
    this.bar.setStatus(this.isFailed || this.most === null ? '' : countText({ runs, rows, selected: selected.length, hidden, note, unit }));
    this.bar.setSelected(this.isFailed ? 0 : selected.length, interrupted, this.editable, hidden > 0);
  }
}
