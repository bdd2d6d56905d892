import type { BackendResponse } from '../backend';
import { errorBox, h, messageOf } from '../dom';
import { formatBytes, formatNumber, formatValue } from '../format';
import { loadPlotlyFor } from '../plotly';
import type { ArtifactFile, Preview } from '../requests';
import type { FileSource } from './file_source';
import type { Highlighter } from './highlighter';
import { safeFigure } from './safe_figure';

type Clean = () => void;

const LANGUAGES: Record<string, string> = {
  py: 'python', json: 'json', yaml: 'yaml', yml: 'yaml', toml: 'toml', sh: 'bash', sql: 'sql', js: 'javascript', ts: 'typescript', html: 'html', css: 'css'
};

/** A look into a file, and what takes it away. */
export async function previewOf(
  source: FileSource,
  file: ArtifactFile,
  highlighter: Highlighter
): Promise<{ element: HTMLElement; dispose(): void }> {
  const clean: Clean[] = [];
  const dispose = (): void => clean.forEach(each => each());
  const name = file.path.split('/').at(-1) ?? file.path;
  const head = h('header', { class: 'nbt-preview-head' }, h('strong', {}, name), h('span', {}, formatBytes(file.size)));
  if (source.address) {
    head.append(h('a', { class: 'nbt-link', href: source.address(file.path), download: name }, 'Download'));
  }
  const element = h('div', { class: 'nbt-preview-file' }, head);
  try {
    const response = await source.preview(file.path);
    element.append(await contentOf(response, file, highlighter, clean));
    if (response.body.truncated) element.append(h('p', { class: 'nbt-why' }, 'Only the beginning is shown. Download the file for the rest.'));
  } catch (error) {
    element.append(errorBox(messageOf(error)));
  }
  return { element, dispose };
}

async function contentOf(
  { body, buffers }: BackendResponse<Preview>,
  file: ArtifactFile,
  highlighter: Highlighter,
  clean: Clean[]
): Promise<HTMLElement> {
  if (file.size === 0) return h('p', { class: 'nbt-empty' }, 'This file is empty.');
  switch (body.kind) {
    case 'image':
    case 'pdf':
    case 'audio':
    case 'video': {
      const [bytes] = buffers;
      if (!bytes) break;
      const url = URL.createObjectURL(new Blob([bytes as DataView<ArrayBuffer>], { type: body.mime }));
      clean.push(() => URL.revokeObjectURL(url));
      return mediaOf(body.kind, url, file.path);
    }
    case 'figure':
      return figureOf(body.text ?? '', file.path, clean);
    case 'table':
      return dataTable(body.columns ?? [], body.rows ?? []);
    case 'json':
      return highlighter.code(body.truncated ? (body.text ?? '') : pretty(body.text ?? ''), 'json');
    case 'html':
      // no scripts, no forms, no access to the page: the file may be anybody's
      return h('iframe', { class: 'nbt-frame', sandbox: '', srcdoc: body.text ?? '', title: file.path });
    case 'text': {
      if (body.mime === 'text/markdown') {
        return h('div', { class: 'nbt-markdown' }, await highlighter.markdown(body.text ?? ''));
      }
      const language = LANGUAGES[file.path.split('.').at(-1)?.toLowerCase() ?? ''];
      if (language) return highlighter.code(body.text ?? '', language);
      return h('pre', { class: 'nbt-text', tabindex: 0, 'aria-label': file.path }, body.text ?? '');
    }
    case 'none':
      return h('p', { class: 'nbt-empty' }, body.text ?? 'There is no preview for this kind of file.');
  }
  return h('p', { class: 'nbt-empty' }, 'There is no preview for this kind of file.');
}

/** What the browser itself shows or plays; the type of the address is ours, and runs no script. */
function mediaOf(kind: 'image' | 'pdf' | 'audio' | 'video', url: string, name: string): HTMLElement {
  switch (kind) {
    case 'image':
      return h('div', { class: 'nbt-image' }, h('img', { src: url, alt: name }));
    case 'audio':
      return h('audio', { class: 'nbt-media', src: url, controls: true, 'aria-label': name });
    case 'video':
      return h('video', { class: 'nbt-media', src: url, controls: true, 'aria-label': name });
    case 'pdf':
      return h(
        'div',
        {},
        h('p', {}, h('a', { class: 'nbt-link', href: url, target: '_blank', rel: 'noopener' }, 'Open in a new tab')),
        h('iframe', { class: 'nbt-frame nbt-pdf', src: url, title: name })
      );
  }
}

/** A figure of Plotly, drawn anew from its data: no script of the file is executed, and nothing is fetched. */
async function figureOf(text: string, name: string, clean: Clean[]): Promise<HTMLElement> {
  const { data, layout } = safeFigure(JSON.parse(text) as { data: readonly Record<string, unknown>[]; layout: Record<string, unknown> });
  const traces = data.map(trace => (trace['type'] === 'scattergl' ? { ...trace, type: 'scatter' } : trace));
  const kinds = traces.map(trace => (typeof trace['type'] === 'string' ? trace['type'] : 'scatter'));
  const plotly = await loadPlotlyFor(kinds);
  if (!plotly) return h('p', { class: 'nbt-empty' }, `A figure of Plotly with ${[...new Set(kinds)].join(', ')}: open the run in JupyterLab’s sidebar or in nbtrack ui to see it.`);
  const element = h('div', { class: 'nbt-figure', role: 'img', 'aria-label': name });
  const fitted = { height: 450, ...layout, width: undefined, autosize: true };
  requestAnimationFrame(() => void plotly.react(element, traces, fitted, { displaylogo: false, responsive: true, typesetMath: false }));
  clean.push(() => plotly.purge(element));
  return element;
}

function dataTable(columns: readonly string[], rows: readonly (readonly unknown[])[]): HTMLElement {
  const table = h('table', { class: 'nbt-plain nbt-data' }, h('thead', {}, h('tr', {}, ...columns.map(c => h('th', { scope: 'col' }, c)))));
  const body = h('tbody');
  for (const row of rows) {
    const cells = row.map(value => (typeof value === 'number' ? h('td', { class: 'nbt-number' }, formatNumber(value, 6)) : h('td', {}, formatValue(value))));
    body.append(h('tr', {}, ...cells));
  }
  table.append(body);
  return h('div', { class: 'nbt-scroller', tabindex: 0, role: 'group', 'aria-label': 'Table' }, table);
}

function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
