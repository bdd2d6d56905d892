import { h } from './dom';
import type { RunState } from './requests';

const WORDS: Record<RunState, string> = {
  RUNNING: 'Running',
  SCHEDULED: 'Scheduled',
  FINISHED: 'Finished',
  FAILED: 'Failed',
  KILLED: 'Stopped',
  INTERRUPTED: 'Interrupted'
};

/** What a state is called. */
export function stateWord(state: RunState): string {
  return WORDS[state] ?? state;
}

/** A state as a coloured badge; colour is never the only cue. */
export function stateBadge(state: RunState, live = true): HTMLElement {
  const known = state in WORDS ? state : 'FINISHED';
  if (known === 'RUNNING' && !live) {
    const title = 'The run was going on when this output was saved; its kernel is not here any more.';
    return h('span', { class: 'nbt-state', 'data-state': 'STALE', title }, 'Was running');
  }
  return h('span', { class: 'nbt-state', 'data-state': known }, stateWord(known));
}

