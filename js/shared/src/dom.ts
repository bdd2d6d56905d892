import { captureKeys } from './keyboard';
import { capturePresses } from './presses';
import css from './style.css';

type Attributes = Record<string, string | number | boolean | undefined>;

/** Make an element. Text goes in as text, never as HTML. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    element.setAttribute(name, value === true ? '' : String(value));
  }
  element.append(...children);
  return element;
}

/** The root of a view: its class carries the theme; the styles go along, also into a shadow root. */
export function viewRoot(host: HTMLElement, name: string): HTMLElement {
  captureKeys();
  capturePresses();
  const root = h('div', { class: `nbt nbt-${name}` });
  host.append(h('style', {}, css), root);
  return root;
}

/** Show an error where the view is, with the text of what went wrong. */
export function errorBox(message: string): HTMLElement {
  return h('div', { class: 'nbt-error', role: 'alert' }, message);
}

/** The text of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

const SVG = 'http://www.w3.org/2000/svg';

/** A short piece of a line, for legends. */
export function lineSample(colour: string, dash: string): SVGElement {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('class', 'nbt-sample');
  svg.setAttribute('viewBox', '0 0 18 8');
  svg.setAttribute('aria-hidden', 'true');
  const stroke = document.createElementNS(SVG, 'path');
  stroke.setAttribute('d', 'M0 4H18');
  stroke.setAttribute('stroke', colour);
  stroke.setAttribute('stroke-width', '2');
  if (dash !== 'solid') stroke.setAttribute('stroke-dasharray', dash.replaceAll('px', ''));
  svg.append(stroke);
  return svg;
}
