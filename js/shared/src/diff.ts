import type { Backend } from './backend';
import { label, type RunData } from './comparison_data';
import { choice, valueText } from './comparison_marks';
import { aboutPairs, datasetPairs, differs, environmentPairs, metricPairs, packagePairs, type Pair, pairs } from './diff_facts';
import { countChanged, type DiffLine, diffLines } from './diff_lines';
import { errorBox, h, messageOf } from './dom';
import { isSystemMetric } from './groups';
import { released } from './presses';
import type { Diff } from './requests';

const MOST_RUNS = 12;

/** What is different between two runs, or, of more, which params and metrics differ. */
export class DiffView {
  private readonly bar = h('div', { class: 'nbt-choices' });
  private readonly body = h('div', { class: 'nbt-diffbody' });
  private data: RunData | null = null;
  private runs: readonly string[] = [];
  private colours: ReadonlyMap<string, string> = new Map();
  private pair: [string, string] | null = null;
  private shown = '';
  private all = false;
  private turn = 0;

  constructor(
    private readonly root: HTMLElement,
    private readonly backend: Backend,
    private readonly onHighlight: (runId: string | null) => void
  ) {
    root.append(this.bar, this.body);
  }

  /** Show these runs: two in full, more as a table. */
  setRuns(data: RunData, runs: readonly string[], colours: ReadonlyMap<string, string>): void {
    this.data = data;
    this.runs = runs;
    this.colours = colours;
    this.pair = runs.length === 2 ? [runs[0]!, runs[1]!] : null;
    void this.show();
  }

  refresh(): void {
    this.shown = '';
    void this.show();
  }

  private async show(): Promise<void> {
    const turn = ++this.turn;
    await released(this.root);
    if (turn !== this.turn) return;
    this.renderBar();
    if (!this.pair) {
      this.shown = '';
      this.body.replaceChildren(this.manyRuns());
      return;
    }
    const [a, b] = this.pair;
    const pair = `${a} ${b}`;
    if (pair === this.shown) return;
    try {
      const { body } = await this.backend.ask('compare.diff', { a, b });
      await released(this.root);
      if (turn !== this.turn) return;
      this.shown = pair;
      this.body.replaceChildren(...this.twoRuns(body));
    } catch (error) {
      if (turn === this.turn) this.body.replaceChildren(errorBox(messageOf(error)));
    }
  }

  private renderBar(): void {
    const data = this.data;
    if (!data || this.runs.length < 2) return this.bar.replaceChildren();
    const names = this.runs.slice(0, 50).map(id => [id, data.nameOf(id)] as const);
    const pick = (place: 0 | 1, id: string): void => {
      const pair: [string, string] = this.pair ? [...this.pair] : [this.runs[0]!, this.runs[1]!];
      pair[place] = id;
      this.pair = pair;
      void this.show();
    };
    const parts: HTMLElement[] = [];
    if (this.runs.length > 2 && !this.pair) {
      const button = h('button', { type: 'button', class: 'nbt-toggle' }, 'Two of them in full');
      button.addEventListener('click', () => pick(1, this.runs[1]!));
      parts.push(button);
    }
    if (this.pair) {
      const [a, b] = this.pair;
      parts.push(
        choice('from', names, a, id => pick(0, id)),
        choice('to', names, b, id => pick(1, id))
      );
      if (this.runs.length > 2) {
        const button = h('button', { type: 'button', class: 'nbt-toggle' }, 'All of them');
        button.addEventListener('click', () => {
          this.pair = null;
          void this.show();
        });
        parts.push(button);
      }
    }
    const same = h('input', { type: 'checkbox', checked: this.all });
    same.addEventListener('change', () => {
      this.all = same.checked;
      this.refresh();
    });
    parts.push(h('label', { class: 'nbt-choice' }, same, 'also what is the same'));
    this.bar.replaceChildren(...parts);
  }

  private head(id: string, name: string): HTMLElement {
    const dot = h('i', { class: 'nbt-dot', 'aria-hidden': 'true' });
    dot.style.background = this.colours.get(id) ?? 'currentColor';
    const cell = h('th', { scope: 'col', title: name }, dot, name);
    cell.addEventListener('pointerenter', () => this.onHighlight(id));
    cell.addEventListener('pointerleave', () => this.onHighlight(null));
    return cell;
  }

  private twoRuns({ a, b }: Diff): HTMLElement[] {
    const heads = (): HTMLElement[] => [this.head(a.run_id, a.name), this.head(b.run_id, b.name)];
    const parts = [
      this.part('Metrics', metricPairs(a.metrics, b.metrics).filter(pair => this.all || !isSystemMetric(pair.name)), heads()),
      this.part('Params', pairs(a.params, b.params), heads()),
      this.code(a.source, b.source),
      this.part('Data', datasetPairs(a.datasets, b.datasets), heads()),
      this.part('Environment', [...environmentPairs(a.environment, b.environment), ...packagePairs(a.environment, b.environment)], heads()),
      this.part('Run', aboutPairs(a, b), heads())
    ];
    return parts;
  }

  private part(title: string, found: readonly Pair[], heads: HTMLElement[]): HTMLElement {
    const changed = found.filter(differs);
    const shown = this.all ? found : changed;
    const count = changed.length === 0 ? (found.length > 0 ? `the same (${found.length})` : 'nothing was kept') : `${changed.length} of ${found.length} differ`;
    const box = h('section', { class: 'nbt-diffpart', 'data-part': title.toLowerCase() }, h('h5', {}, title, h('small', {}, count)));
    if (shown.length === 0) return box;
    const rows = shown.map(pair => {
      const gone = (value: string | null): HTMLElement => h('td', { class: value === null ? 'nbt-absent' : undefined }, value ?? 'none');
      const last = gone(pair.b);
      if (pair.note) last.append(h('span', { class: 'nbt-verdict', 'data-kind': pair.verdict }, `${pair.note}${pair.verdict ? ` ${pair.verdict}` : ''}`));
      return h('tr', { 'data-differs': String(differs(pair)) }, h('th', { scope: 'row' }, pair.name), gone(pair.a), last);
    });
    box.append(h('div', { class: 'nbt-wide' }, h('table', {}, h('thead', {}, h('tr', {}, h('td', {}), ...heads)), h('tbody', {}, ...rows))));
    return box;
  }

  private code(a: string | null, b: string | null): HTMLElement {
    const lines = a !== null && b !== null ? diffLines(a, b) : [];
    const changed = countChanged(lines);
    const count = a === null || b === null ? `not kept of ${a === null && b === null ? 'both runs' : 'one run'}` : changed === 0 ? 'the same' : `${changed} ${changed === 1 ? 'line' : 'lines'} changed`;
    const box = h('section', { class: 'nbt-diffpart nbt-diffcode', 'data-part': 'code' }, h('h5', {}, 'Code', h('small', {}, count)));
    if (lines.length > 0) box.append(codeBlock(lines));
    return box;
  }

  /** Rows are the params and metrics that differ, columns the runs. */
  private manyRuns(): HTMLElement {
    const data = this.data;
    if (!data || this.runs.length < 2) return h('p', { class: 'nbt-note' }, 'Select two runs to see what is different between them.');
    const runs = this.runs.filter(id => data.placeOf(id) >= 0).slice(0, MOST_RUNS);
    const places = runs.map(id => data.placeOf(id));
    const columns = [...data.columns.values()].filter(column => column.name !== 'duration');
    const rows = columns.flatMap(column => {
      const texts = places.map(place => valueText(column, place));
      if (!this.all && new Set(texts).size < 2) return [];
      const numbers = places.map(place => column.values[place]!).filter(Number.isFinite);
      const best = column.direction === null ? NaN : column.direction === 'min' ? Math.min(...numbers) : Math.max(...numbers);
      const cells = texts.map((text, i) => h('td', { 'data-best': column.values[places[i]!] === best }, text));
      return [h('tr', {}, h('th', { scope: 'row' }, label(column.name)), ...cells)];
    });
    const head = h('tr', {}, h('td', {}), ...runs.map(id => this.head(id, data.nameOf(id))));
    const more = this.runs.length > runs.length ? [h('p', { class: 'nbt-note' }, `The first ${runs.length} of ${this.runs.length} runs.`)] : [];
    return h('div', { class: 'nbt-wide', 'data-part': 'many' }, h('table', { class: 'nbt-many' }, h('thead', {}, head), h('tbody', {}, ...rows)), ...more);
  }
}

const SIGNS = { same: ' ', old: '-', new: '+', place: '' };

function codeBlock(lines: readonly DiffLine[]): HTMLElement {
  const rows = lines.map(line => h('span', { 'data-kind': line.kind === 'same' ? '' : line.kind }, `${SIGNS[line.kind]}${line.kind === 'place' ? '' : ' '}${line.text}\n`));
  return h('pre', { class: 'nbt-diff', tabindex: '0', role: 'region', 'aria-label': 'Changes of the code' }, ...rows);
}
