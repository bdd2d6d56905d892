import { h, lineSample } from './dom';
import { formatNumber } from './format';
import type { Line } from './traces';

const MOST_ROWS = 8;
const MOST_WORDS = 4;

/** The box beside the cursor: the values of the nearest curves, and what the marks below it mean. */
export class Readout {
  readonly element = h('div', { class: 'nbt-readout', hidden: true });

  show(
    words: readonly string[],
    near: readonly { line: Line; value: number }[],
    at: { x: number; width: number },
    focus: string | null
  ): void {
    const rows = near.slice(0, MOST_ROWS).sort((a, b) => b.value - a.value);
    this.element.replaceChildren(
      ...words.slice(0, MOST_WORDS).map(text => h('p', { class: 'nbt-odd' }, text)),
      ...(words.length > MOST_WORDS ? [h('p', { class: 'nbt-odd' }, `and ${words.length - MOST_WORDS} more`)] : []),
      ...rows.map(({ line, value }) =>
        h(
          'p',
          { class: line.points.run === focus ? 'nbt-focus' : undefined },
          lineSample(line.colour, line.dash),
          h('span', {}, line.label),
          h('b', {}, formatNumber(value))
        )
      ),
      ...(near.length > MOST_ROWS ? [h('p', {}, `${near.length - MOST_ROWS} more`)] : [])
    );
    const left = at.x < at.width / 2;
    this.element.style.left = left ? `${at.x + 12}px` : '';
    this.element.style.right = left ? '' : `${at.width - at.x + 12}px`;
    this.element.hidden = this.element.childElementCount === 0;
  }

  hide(): void {
    this.element.hidden = true;
  }
}
