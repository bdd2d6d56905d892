import type { Rail } from '../requests';

const SVG = 'http://www.w3.org/2000/svg';
const STEP = 14;
const MIDDLE = 12;

/** The piece of the lines that is beside one node; it is as high as its row. */
export function lineageLines(rail: Rail, lanes: number): SVGElement {
  const svg = shape('svg', { class: 'nbt-lineage-lines', width: lanes * STEP, height: '100%', 'aria-hidden': 'true' });
  for (const lane of rail.above) svg.append(line(x(lane), 0, x(lane), MIDDLE));
  for (const lane of rail.below) svg.append(line(x(lane), MIDDLE, x(lane), '100%'));
  for (const lane of rail.joins) svg.append(line(x(rail.at), MIDDLE, x(lane), MIDDLE));
  svg.append(shape('circle', { cx: x(rail.at), cy: MIDDLE, r: 4 }));
  return svg;
}

function x(lane: number): number {
  return lane * STEP + STEP / 2;
}

function line(x1: number, y1: number, x2: number, y2: number | string): SVGElement {
  return shape('line', { x1, y1, x2, y2 });
}

function shape(name: string, attributes: Record<string, string | number>): SVGElement {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  return element;
}
