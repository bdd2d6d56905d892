import { h } from './dom';
import type { RunState } from './requests';
import { stateWord } from './state';

/** Shapes, since colour is not all that tells states apart. */
const SHAPES: Record<RunState, string> = {
  RUNNING: 'M8 3a5 5 0 1 1-5 5',
  SCHEDULED: 'M8 3a5 5 0 1 1 0 10a5 5 0 1 1 0-10',
  FINISHED: 'M3.5 8.5l3 3l6-7',
  FAILED: 'M4 4l8 8M12 4l-8 8',
  KILLED: 'M4.5 4.5h7v7h-7z',
  INTERRUPTED: 'M8 2.5v6.5M8 12.6v0.2'
};

/** A sign for a state: its shape and colour; the word is there for screen readers and on hover. */
export function stateIcon(state: RunState): HTMLElement {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('viewBox', '0 0 16 16');
  svg.setAttribute('aria-hidden', 'true');
  const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  path.setAttribute('d', SHAPES[state] ?? SHAPES.SCHEDULED);
  svg.append(path);
  // who draws a row again does not let its sign begin anew
  if (state === 'RUNNING') svg.style.animationDelay = `-${performance.now() % 1400}ms`;
  const sign = h('span', { class: 'nbt-sign', 'data-state': state, title: stateWord(state) });
  sign.append(svg);
  return sign;
}
