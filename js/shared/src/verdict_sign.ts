import { h } from './dom';

/** Shapes, since colour is not all that tells verdicts apart. */
const SHAPES: Record<string, string> = {
  yes: 'M3.5 8.5l3 3l6-7',
  no: 'M3.5 6h9M3.5 10h9M11 3L5 13',
  failed: 'M4 4l8 8M12 4l-8 8',
  warnings: 'M8 2.5L14.5 13.5H1.5zM8 6.5v3.2M8 11.6v.1'
};

/** A sign for what came of running a run again: a check, an unequal sign, or a cross. */
export function verdictSign(reproduced: string): HTMLElement {
  return shape('data-verdict', reproduced);
}

/** A triangle: the run may not give the same numbers when it is run again; it says which warnings these are. */
export function warningSign(warnings: string): HTMLElement {
  const sign = shape('data-warnings', 'warnings');
  const text = warningText(warnings);
  sign.setAttribute('role', 'img');
  sign.setAttribute('aria-label', text);
  sign.title = text;
  return sign;
}

/** Warnings in words. */
export function warningText(warnings: string): string {
  return `${warnings.includes(', ') ? 'warnings' : 'warning'}: ${warnings}`;
}

function shape(attribute: string, name: string): HTMLElement {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('viewBox', '0 0 16 16');
  svg.setAttribute('aria-hidden', 'true');
  const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  path.setAttribute('d', SHAPES[name] ?? SHAPES['failed']!);
  svg.append(path);
  const sign = h('span', { class: 'nbt-sign', [attribute]: name });
  sign.append(svg);
  return sign;
}
