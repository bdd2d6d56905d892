import { h } from './dom';
import type { Problem } from './problem';

/** The lines that make the first run. */
export const FIRST_RUN = `import nbtrack

with nbtrack.start_run(run_name="first"):
    nbtrack.log_param("lr", 0.001)
    nbtrack.log_metric("loss", 0.42, step=1)`;

const SHOWN = `with nbtrack.start_run():
    nbtrack.log_param("lr", 0.001)
    nbtrack.log_metric("loss", 0.42)`;

export type Empty = 'first' | 'no-match' | 'no-archived' | 'no-deleted';

/** Say why there is nothing to see, and what to do for that to change; `hint` is what a search may have meant. */
export function emptyState(kind: Empty, act: () => void, hint = ''): HTMLElement {
  switch (kind) {
    case 'first':
      return box(
        'No runs yet',
        'Three lines in a notebook make the first one. It shows up here while it runs.',
        h('pre', { tabindex: 0, 'aria-label': 'The code of a first run' }, SHOWN),
        button('Insert into notebook', act, true)
      );
    case 'no-match':
      return box(
        'No run matches',
        hint,
        h('p', {}, 'Search by a part of the name, or with conditions:'),
        h('pre', { tabindex: 0, 'aria-label': 'Examples' }, "metrics.val_loss < 0.3\nparams.lr = '0.001'\ntags.stage LIKE 'fin%'"),
        button('Show all runs', act)
      );
    case 'no-archived':
      return box('Nothing is archived', 'Archive runs that are done with: they stay, but out of the way.', button('Show active runs', act));
    case 'no-deleted':
      return box('Nothing is deleted', 'Deleted runs wait here and can be restored.', button('Show active runs', act));
  }
}

/** Say what is wrong, what to do, and offer to try again, or to close what shows it. */
export function problemBox(problem: Problem, retry: () => void, close?: () => void): HTMLElement {
  const command = problem.command ? [h('pre', { tabindex: 0, 'aria-label': 'Command' }, problem.command)] : [];
  const shown = box(problem.title, problem.advice, ...command, button('Retry', retry), ...(close ? [button('Close this tab', close)] : []));
  shown.classList.add('nbt-problem');
  shown.setAttribute('role', 'alert');
  return shown;
}

function box(title: string, text: string, ...more: HTMLElement[]): HTMLElement {
  return h('div', { class: 'nbt-teach' }, h('h3', {}, title), ...(text ? [h('p', {}, text)] : []), ...more);
}

function button(label: string, act: () => void, main = false): HTMLElement {
  const made = h('button', { type: 'button', class: main ? 'nbt-lab-button nbt-main' : 'nbt-lab-button' }, label);
  made.addEventListener('click', act);
  return made;
}
