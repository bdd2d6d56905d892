import { h } from '../dom';
import type { RerunProgress } from '../requests';

const ATTEMPTS: Record<string, string> = {
  again: ' once more',
  'all cells': ' with all cells',
  'fixed order': ' with a fixed hash seed',
  'one thread': ' with one thread'
};

/** How far running a run again has come, and what stops it where that can be done from here. */
export function againElement({ cell, cells, attempt, is_here }: RerunProgress, stop: (() => void) | null): HTMLElement {
  const words = `Running again${ATTEMPTS[attempt] ?? ''}: ${cell > 0 ? `cell ${cell} of ${cells}` : 'starting a kernel'}`;
  const bar = h('progress', { max: Math.max(1, cells), 'aria-label': words });
  if (cells > 0) bar.value = Math.max(0, cell - 1); // the cell is at work
  const line = h('div', { class: 'nbt-againbar', role: 'group', 'aria-label': 'Running again' }, bar, h('span', {}, words));
  if (is_here && stop) {
    const button = h('button', { type: 'button', class: 'nbt-lab-button' }, 'Stop');
    button.addEventListener('click', stop);
    line.append(button);
  }
  return line;
}
