import { h, messageOf } from './dom';
import { keepFocus } from './kept_focus';
import { formatBytes, formatDuration, formatNumber, formatRate } from './format';
import { afterPress } from './presses';
import { stateBadge } from './state';
import type { RunDiffDetail, RunDiffItem } from './requests';
import type { Head } from './view_data';

const STOP_AFTER = 'Stop after this one';

/** The two lines above a run's charts: what it is, and what changed since the last one. */
export class CardHead {
  readonly element: HTMLElement;
  private readonly name = h('strong', { class: 'nbt-name' });
  private readonly state = h('span', { class: 'nbt-place' });
  private readonly facts = h('span', { class: 'nbt-facts' });
  private readonly error = h('div', { class: 'nbt-failure', role: 'alert', hidden: true });
  private readonly runDiff = h('button', { type: 'button', class: 'nbt-since', 'aria-expanded': 'false', hidden: true });
  private readonly detail = h('div', { class: 'nbt-detail', hidden: true });
  private readonly elapsed = h('span', { class: 'nbt-fact' });
  private readonly rank = h('div', { class: 'nbt-standing', role: 'status', hidden: true });
  private readonly progress = h('div', { class: 'nbt-progress', role: 'status', hidden: true });
  private readonly printed = h('pre', { class: 'nbt-printed', 'aria-label': 'Printed last', hidden: true });
  private readonly stopAfter = h('button', { type: 'button', class: 'nbt-stop-after', hidden: true }, STOP_AFTER);
  private readonly stop = h('button', { type: 'button', class: 'nbt-stop', hidden: true }, 'Stop');
  /** Why the run could not be stopped. */
  private readonly refused = h('div', { class: 'nbt-error', role: 'alert', hidden: true });
  private stoppable = false;
  private stoppableAfter = false;
  private timer: ReturnType<typeof setInterval> | undefined;
  private head: Head = {};
  private received = 0;

  /** Without `onStop` there is no button that stops the run, without `onStopAfter` none that lets a grid start no more. */
  constructor(
    private live: boolean,
    private readonly onStop?: () => Promise<void>,
    private readonly onStopAfter?: () => Promise<unknown>
  ) {
    // the button stays in its place while the rest changes: a click must not miss it
    const first = h('div', { class: 'nbt-headline' }, this.name, this.state, this.facts, this.stopAfter, this.stop);
    const below = [this.refused, this.progress, this.printed, this.error, this.rank, this.runDiff, this.detail];
    this.element = h('header', { class: 'nbt-head' }, first, ...below);
    this.stopAfter.addEventListener('click', this.askToStopAfter);
    this.stop.addEventListener('click', this.askToStop);
    this.runDiff.addEventListener('click', this.toggle);
  }

  setHead(head: Head): void {
    this.head = head;
    this.received = performance.now();
    const facts = [
      head.experiment ? h('span', { class: 'nbt-fact' }, head.experiment) : null,
      this.elapsed,
      fact(head.step === null || head.step === undefined ? '' : `step ${formatNumber(head.step)}`),
      fact(formatRate(head.steps_per_s)),
      head.overhead_percent === null || head.overhead_percent === undefined
        ? null
        : fact(`logging ${formatNumber(head.overhead_percent, 2)} %`, 'Share of the run that logging took'),
      head.gpu_memory_bytes === null || head.gpu_memory_bytes === undefined
        ? null
        : fact(`GPU memory ${formatBytes(head.gpu_memory_bytes)}`, "The most that the cell's tensors took on one GPU")
    ].filter(part => part !== null);
    this.name.textContent = head.name ?? '';
    this.name.title = head.run_id ?? '';
    this.state.replaceChildren(stateBadge(head.state ?? 'FINISHED', this.live));
    this.facts.replaceChildren(...facts);
    this.showStop();
    setText(this.rank, head.standing);
    setText(this.progress, head.progress);
    setText(this.printed, this.live ? head.printed : null);
    this.error.hidden = !head.error;
    this.error.textContent = head.error ?? '';
    clearInterval(this.timer);
    if (head.state === 'RUNNING' && this.live) this.timer = setInterval(() => this.tick(), 1000);
    this.tick();
  }

  setRunDiff(items: readonly RunDiffItem[], detail: RunDiffDetail): void {
    afterPress(this.runDiff, () => this.showRunDiff(items, detail));
  }

  private showRunDiff(items: readonly RunDiffItem[], detail: RunDiffDetail): void {
    this.runDiff.hidden = items.length === 0;
    const hasDetail = Boolean(detail.code_diff || detail.params?.length);
    this.runDiff.disabled = !hasDetail;
    this.runDiff.replaceChildren(
      h('span', { class: 'nbt-since-word' }, 'Since last run'),
      ...items.map(item =>
        h('span', { class: 'nbt-item', 'data-kind': item.kind }, h('span', {}, item.label), ' ', h('b', {}, item.text))
      )
    );
    this.detail.replaceChildren(...detailNodes(detail));
  }

  /** Say whether what comes is the present: then the seconds of a run that goes on are counted. */
  setLive(live: boolean): void {
    if (live === this.live) return;
    this.live = live;
    this.setHead(this.head);
  }

  /** Say whether the run can be stopped from here: at once, and after the run inside it that goes on. */
  setStoppable(stoppable: boolean, after = false): void {
    this.stoppable = stoppable;
    this.stoppableAfter = after;
    this.showStop();
  }

  dispose(): void {
    clearInterval(this.timer);
    this.stop.removeEventListener('click', this.askToStop);
    this.stopAfter.removeEventListener('click', this.askToStopAfter);
    this.runDiff.removeEventListener('click', this.toggle);
  }

  private tick(): void {
    const { elapsed_s: elapsed, state } = this.head;
    const extra = state === 'RUNNING' && this.live ? (performance.now() - this.received) / 1000 : 0;
    this.elapsed.textContent = formatDuration(elapsed === null || elapsed === undefined ? null : elapsed + extra);
    this.elapsed.hidden = this.elapsed.textContent === '';
  }

  private showStop(): void {
    const goesOn = this.live && this.head.state === 'RUNNING';
    keepFocus(this.element, () => {
      this.stop.hidden = !(goesOn && this.onStop && this.stoppable);
      this.stopAfter.hidden = !(goesOn && this.onStopAfter && this.stoppableAfter && this.head.progress);
    });
    if (!goesOn) setText(this.refused, null);
  }

  private readonly askToStopAfter = (): void =>
    void this.askOnce(this.stopAfter, this.onStopAfter, { doing: STOP_AFTER, done: 'Stops after this one', failed: 'The grid could not be told to stop after this one' });

  private readonly askToStop = (): void =>
    void this.askOnce(this.stop, this.onStop, { doing: 'Stopping…', done: 'Stopping…', failed: 'The run could not be stopped' });

  /** Ask for it once. The button keeps the focus, which one that is disabled loses. */
  private async askOnce(button: HTMLElement, ask: (() => Promise<unknown>) | undefined, words: { doing: string; done: string; failed: string }): Promise<void> {
    if (button.getAttribute('aria-disabled') === 'true') return;
    const label = button.textContent;
    button.setAttribute('aria-disabled', 'true');
    button.textContent = words.doing;
    setText(this.refused, null);
    try {
      await ask?.();
      button.textContent = words.done;
    } catch (reason) {
      button.removeAttribute('aria-disabled');
      button.textContent = label;
      setText(this.refused, `${words.failed}: ${messageOf(reason)}`);
    }
  }

  private readonly toggle = (): void => {
    this.detail.hidden = !this.detail.hidden;
    this.runDiff.setAttribute('aria-expanded', String(!this.detail.hidden));
  };
}

/** Show a text, or nothing; an element that has the text already is left alone, so nobody hears it twice. */
function setText(element: HTMLElement, text: string | null | undefined): void {
  element.hidden = !text;
  if (element.textContent !== (text ?? '')) element.textContent = text ?? '';
}

function fact(text: string, title?: string): HTMLElement | null {
  return text ? h('span', { class: 'nbt-fact', title }, text) : null;
}

/** The changes of params and code, as they are shown below the line. */
export function detailNodes(detail: RunDiffDetail): HTMLElement[] {
  const nodes: HTMLElement[] = [];
  if (detail.params?.length) {
    const rows = detail.params.map(([name, before, after]) =>
      h('tr', {}, h('th', { scope: 'row' }, name), h('td', { class: 'nbt-old' }, String(before)), h('td', { class: 'nbt-new' }, String(after)))
    );
    nodes.push(h('table', { class: 'nbt-params' }, h('tbody', {}, ...rows)));
  }
  if (detail.code_diff) {
    const lines = detail.code_diff.split('\n').map(line => {
      const kind = /^(\+\+\+|---)/.test(line) ? 'file' : line.startsWith('@@') ? 'place' : line[0] === '+' ? 'new' : line[0] === '-' ? 'old' : '';
      return h('span', { 'data-kind': kind }, `${line}\n`);
    });
    nodes.push(h('pre', { class: 'nbt-diff', tabindex: '0', 'aria-label': 'Changes of the code' }, ...lines));
  }
  return nodes;
}
