/** Plotly's own small markup, which stays without its attributes; `<extra>` is the box beside a hover text. */
const TAGS = new Set(['b', 'i', 'u', 's', 'em', 'strong', 'sub', 'sup', 'br', 'extra']);
/** What Plotly would fetch (pictures, tiles, shapes of countries), and names that reach into prototypes. */
const LEFT_OUT = new Set(['images', 'source', 'map', 'mapbox', 'geo', '__proto__', 'constructor', 'prototype']);
/** Deeper than any figure is. */
const MOST_LEVELS = 40;

/**
 * The JSON of a figure by anybody, such that Plotly draws it and nothing else.
 *
 * Plotly puts texts together from pieces (`%{customdata}`) before it looks for tags, and gives the style of a
 * `<span>` to the page, which may name addresses. So no piece keeps a `<` that is not one of a few plain tags.
 * Buttons of a figure change it by dotted names (`images[0].source`): each part of a name counts.
 */
export function safeFigure<T>(figure: T): T {
  return safe(figure, 0) as T;
}

function safe(value: unknown, level: number): unknown {
  if (typeof value === 'string') return safeText(value);
  if (level > MOST_LEVELS || typeof value !== 'object' || value === null) return level > MOST_LEVELS ? null : value;
  if (Array.isArray(value)) return value.map(each => safe(each, level + 1));
  const kept = Object.entries(value).filter(([name, of]) => isKept(name, of));
  return Object.fromEntries(kept.map(([name, of]) => [name, safe(of, level + 1)]));
}

function isKept(name: string, value: unknown): boolean {
  // of a Sankey diagram these are the links, as numbers
  if (name === 'source' && isNumbers(value)) return true;
  return !name.split(/[.[\]]+/).some(part => LEFT_OUT.has(part));
}

function isNumbers(value: unknown): boolean {
  return Array.isArray(value) && value.every(each => typeof each === 'number');
}

/** A text with plain tags only; any other `<` is one to read. */
export function safeText(text: string): string {
  return text.replace(/<(\/?)([a-z]+)\b[^<>]*>|</gi, (found, end: string | undefined, name: string | undefined) => {
    if (name === undefined) return '&lt;';
    if (TAGS.has(name.toLowerCase())) return `<${end}${name.toLowerCase()}>`;
    return /^(a|span)$/i.test(name) ? '' : `&lt;${found.slice(1)}`;
  });
}
