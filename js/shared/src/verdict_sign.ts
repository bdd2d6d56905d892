import { h } from './dom';

/** Shapes, since colour is not all that tells verdicts apart. */
const SHAPES: Record<string, string> = {
  yes: 'M3.5 8.5l3 3l6-7',
  no: 'M3.5 6h9M3.5 10h9M11 3L5 13',
  failed: 'M4 4l8 8M12 4l-8 8'
};

/** A sign for what came of running a run again: a check, an unequal sign, or a cross. */
export function verdictSign(reproduced: string): HTMLElement {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('viewBox', '0 0 16 16');
  svg.setAttribute('aria-hidden', 'true');
  const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  path.setAttribute('d', SHAPES[reproduced] ?? SHAPES['failed']!);
  svg.append(path);
  const sign = h('span', { class: 'nbt-sign', 'data-verdict': reproduced });
  sign.append(svg);
  return sign;
}
