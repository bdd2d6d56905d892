import { svg } from './comparison_marks';
import { apart } from './comparison_scale';
import { type Axis, placesOf, shortLabel } from './parallel_axes';
import type { Brush } from './view_data';

const LABEL_HEIGHT = 13;

/**
 * What stands on an axis: its line, ticks with labels as far as there is room for them, and its brush.
 *
 * `y` is where a place from 0 to 1 is; the labels of the last axis stand to its right.
 */
export function axisMarks(axis: Axis, brush: Brush | undefined, y: (place: number) => number, last: boolean): Node[] {
  const [top, bottom] = [y(1), y(0)];
  const marks: Node[] = [svg('line', { x1: 0, x2: 0, y1: top, y2: bottom, class: 'nbt-axis-line' })];
  const ticks = axis.scale.ticks.map(tick => ({ tick, at: y(axis.scale.place(tick.value)) }));
  for (const k of apart(ticks.map(each => each.at), ticks.map(() => LABEL_HEIGHT), 0)) {
    const { tick, at } = ticks[k]!;
    marks.push(
      svg('line', { x1: -4, x2: 0, y1: at, y2: at, class: 'nbt-axis-line' }),
      svg('text', { x: last ? 7 : -7, y: at + 3.5, class: last ? 'nbt-tick nbt-tick-right' : 'nbt-tick' }, svg('title', {}, tick.label), shortLabel(tick.label))
    );
  }
  if (axis.gaps) marks.push(svg('text', { x: -7, y: bottom + 19, class: 'nbt-tick' }, 'none'));
  for (const [low, high] of brush ? placesOf(axis, brush) : []) {
    const [from, to] = [y(Math.min(1, high)), y(Math.max(0, low))];
    marks.push(svg('rect', { x: -6, width: 12, y: from - 1, height: Math.max(4, to - from + 2), rx: 2, class: 'nbt-brush' }));
  }
  return marks;
}
