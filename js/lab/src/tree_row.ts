import { h } from '@nbtrack/shared/dom';
import { counted, formatDuration, formatNumber } from '@nbtrack/shared/format';
import { plainLine } from '@nbtrack/shared/markdown';
import type { TreeRun } from '@nbtrack/shared/requests';
import type { ExperimentRow, Row, RunRow } from './run_tree';
import { sparkline } from '@nbtrack/shared/sparkline';
import { stateWord } from '@nbtrack/shared/state';
import { stateIcon } from '@nbtrack/shared/state_icon';
import { verdictSign, warningSign, warningText } from '@nbtrack/shared/verdict_sign';

/** What may be done to an interrupted run, right in its row. */
export type RowAction = 'keep' | 'resume' | 'discard';

export const LINE = 28;
const TWO_LINES = 46;
const THREE_LINES = 70;

/** How tall a row is. */
export function heightOf(row: Row): number {
  if (row.kind !== 'run') return LINE;
  if (needsDecision(row.run)) return THREE_LINES;
  return row.run.state === 'RUNNING' && !isSilent(row.run) ? TWO_LINES : LINE;
}

/** Whether the kernel of a run died, or shows no sign of life, and nobody has said yet what becomes of it. */
export function needsDecision(run: TreeRun): boolean {
  return (run.state === 'INTERRUPTED' || isSilent(run)) && !run.kept && run.stage === 'active' && !run.archived;
}

/** Whether a running run shows no sign of life: only then there are words about how it goes. */
export function isSilent(run: Pick<TreeRun, 'state' | 'ending'>): boolean {
  return run.state === 'RUNNING' && Boolean(run.ending);
}

/** How long ago a moment was, in a few letters. */
export function ago(ms: number | null, now = Date.now()): string {
  if (ms === null) return '';
  const seconds = Math.max(0, (now - ms) / 1000);
  if (seconds < 60) return 'now';
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h`;
  if (seconds < 86_400 * 30) return `${Math.floor(seconds / 86_400)} d`;
  return new Date(ms).toISOString().slice(0, 10);
}

/** The time in a row, which goes on while nothing else happens: how long a run takes, or how long ago it began. */
export function timeText(row: Row, now = Date.now()): string {
  if (row.kind !== 'run') return '';
  const { state, duration_s: duration, heard_ms: heard, start_ms: start } = row.run;
  if (state !== 'RUNNING') return ago(start, now);
  return formatDuration(duration === null || heard === undefined ? duration : duration + Math.max(0, now - heard) / 1000);
}

/** Where a run has come to, such as `step 1,830`. */
export function stepText(run: TreeRun): string {
  return run.last_step === null ? '' : `step ${formatNumber(run.last_step)}`;
}

/** Say in words what a row shows, for screen readers. */
export function describe(row: Row): string {
  if (row.kind === 'gap') return 'Loading';
  if (row.kind === 'experiment') {
    const { name, running } = row.experiment;
    return [name, counted(countOf(row), 'run'), running ? `${running} running` : ''].filter(Boolean).join(', ');
  }
  const { run } = row;
  const parts = [run.name, stateWord(run.state), run.ending ?? stepText(run)];
  if (run.spark) parts.push(sparkText(run));
  if (run.reproduced) parts.push(verdictWords(run));
  if (run.warnings) parts.push(warningText(run.warnings));
  if (run.archived) parts.push('archived');
  return parts.filter(Boolean).join(', ');
}

function countOf(row: ExperimentRow): number {
  return row.matching ?? row.experiment.runs;
}

function sparkText({ spark }: TreeRun): string {
  const last = spark?.values.filter(v => v !== null).at(-1);
  return spark && last !== undefined ? `${spark.key} ${formatNumber(last)}` : '';
}

const VERDICTS: Record<string, string> = { yes: 'verified: run again, the same', no: 'run again, it differs', failed: 'could not be run again' };

/** What came of running a run again, and why it was not the same where that is known. */
function verdictWords({ reproduced, cause }: TreeRun): string {
  const words = VERDICTS[reproduced ?? ''] ?? '';
  return cause ? `${words}: ${cause}` : words;
}

/** Make the element of a row. */
export function rowElement(row: Row, id: string, act: (action: RowAction, runId: string) => void): HTMLElement {
  const element = h('div', {
    id,
    role: 'treeitem',
    class: `nbt-row nbt-row-${row.kind}`,
    'aria-level': row.level,
    'aria-posinset': row.place,
    'aria-setsize': row.siblings,
    'aria-label': describe(row),
    'data-key': row.key,
    style: `--nbt-level:${row.level}`
  });
  if (row.kind === 'gap') {
    element.setAttribute('aria-busy', 'true');
    element.append(h('span', { class: 'nbt-bone', 'aria-hidden': 'true' }));
    return element;
  }
  if (row.expanded !== null) element.setAttribute('aria-expanded', String(row.expanded));
  element.append(row.kind === 'experiment' ? experimentLine(row) : runLines(row, act));
  return element;
}

function caret(expanded: boolean | null): HTMLElement {
  return h('span', { class: 'nbt-caret', 'aria-hidden': 'true', 'data-open': expanded ?? undefined });
}

function experimentLine(row: ExperimentRow): HTMLElement {
  const { name, running } = row.experiment;
  const line = h('div', { class: 'nbt-line' }, caret(row.expanded), h('span', { class: 'nbt-row-name', title: name }, name));
  if (running > 0) line.append(h('span', { class: 'nbt-live', title: `${running} running` }, String(running)));
  line.append(h('span', { class: 'nbt-row-count' }, formatNumber(countOf(row))));
  return line;
}

function runLines(row: RunRow, act: (action: RowAction, runId: string) => void): DocumentFragment {
  const { run } = row;
  const lines = document.createDocumentFragment();
  const name = h('span', { class: 'nbt-row-name', title: run.note ? `${run.name}\n${plainLine(run.note)}` : run.name }, run.name);
  const first = h('div', { class: 'nbt-line' }, caret(row.expanded), stateIcon(run.state), name);
  lines.append(first);
  if (run.state === 'RUNNING' && !isSilent(run)) {
    first.append(h('span', { class: 'nbt-row-fact' }, timeText(row)));
    const second = h('div', { class: 'nbt-line nbt-line-2' });
    if (run.spark) second.append(sparkline(run.spark.values), h('span', { class: 'nbt-row-metric' }, sparkText(run)));
    second.append(h('span', { class: 'nbt-row-fact' }, stepText(run)));
    lines.append(second);
    return lines;
  }
  if (run.reproduced) {
    const sign = verdictSign(run.reproduced);
    sign.title = verdictWords(run);
    first.append(sign);
  }
  if (run.warnings) first.append(warningSign(run.warnings));
  if (run.spark) first.append(sparkline(run.spark.values, 40, 14));
  first.append(h('span', { class: 'nbt-row-fact' }, timeText(row)));
  if (needsDecision(run)) {
    const actions = h('div', { class: 'nbt-line nbt-line-2' });
    for (const [action, label] of [['keep', 'Keep'], ['resume', 'Resume'], ['discard', 'Discard']] as const) {
      const button = h('button', { type: 'button', class: 'nbt-small', tabindex: -1, 'aria-label': `${label} ${run.name}` }, label);
      button.addEventListener('click', event => {
        event.stopPropagation();
        act(action, run.run_id);
      });
      actions.append(button);
    }
    lines.append(h('div', { class: 'nbt-line nbt-line-2 nbt-warn', title: run.ending ?? '' }, run.ending ?? 'interrupted'), actions);
  }
  return lines;
}
