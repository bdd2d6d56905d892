const SVG = 'http://www.w3.org/2000/svg';

/** A small curve; gaps stay gaps. What it says in words is the caller's to say. */
export function sparkline(values: readonly (number | null)[], width = 56, height = 16): SVGSVGElement {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('class', 'nbt-side-spark');
  svg.setAttribute('viewBox', `0 0 ${width} ${height}`);
  svg.setAttribute('width', String(width));
  svg.setAttribute('height', String(height));
  svg.setAttribute('aria-hidden', 'true');
  const path = document.createElementNS(SVG, 'path');
  path.setAttribute('d', sparkPath(values, width, height));
  svg.append(path);
  return svg;
}

/** The path of a small curve that fills the box but for a margin. */
export function sparkPath(values: readonly (number | null)[], width: number, height: number): string {
  const known = values.filter((v): v is number => v !== null && Number.isFinite(v));
  if (known.length === 0) return '';
  const low = Math.min(...known);
  const span = Math.max(...known) - low;
  const margin = 2;
  const x = (i: number): number => margin + (i / Math.max(1, values.length - 1)) * (width - 2 * margin);
  const y = (v: number): number =>
    span === 0 ? height / 2 : height - margin - ((v - low) / span) * (height - 2 * margin);
  let path = '';
  let drawing = false;
  values.forEach((value, i) => {
    if (value === null || !Number.isFinite(value)) {
      drawing = false;
      return;
    }
    path += `${drawing ? 'L' : 'M'}${x(i).toFixed(1)} ${y(value).toFixed(1)}`;
    // a point on its own shows too
    if (!drawing && (values[i + 1] ?? null) === null) path += 'h0.1';
    drawing = true;
  });
  return path;
}
