import { svg } from './comparison_marks';
import { h } from './dom';
import { formatNumber } from './format';
import type { Importance, ParamImportance } from './requests';

const WIDTH = 112;
const HEIGHT = 18;

/** Which params a metric depends on, with how unsure that is. */
export function importanceTable(response: Importance, onParam: (name: string) => void): HTMLElement {
  const box = h('div', { class: 'nbt-importance' });
  if (response.message) box.append(h('p', { class: 'nbt-note' }, response.message));
  if (response.params.length === 0) return box;
  const forest = response.params.some(param => param.importance !== null);
  const largest = Math.max(0.05, ...response.params.map(p => (p.importance ?? 0) + (p.importance_sd ?? 0)));
  const head = [h('th', { scope: 'col' }, 'param'), h('th', { scope: 'col' }, 'rank correlation')];
  if (forest) head.push(h('th', { scope: 'col' }, 'forest importance'));
  const rows = response.params.map(param => {
    const button = h('button', { type: 'button', title: `Show ${param.name} against ${response.metric}` }, param.name);
    button.addEventListener('click', () => onParam(`params.${param.name}`));
    const cells = [h('th', { scope: 'row' }, button), h('td', {}, correlation(param), h('span', {}, sign(param)))];
    if (forest) cells.push(h('td', {}, bar(param, largest), h('span', {}, amount(param))));
    return h('tr', {}, ...cells);
  });
  const caption = `${response.metric}, ${response.runs} runs`;
  const score =
    response.score === null ? '' : ` The forest explains ${formatNumber(100 * Math.max(0, response.score), 2)} % of the ranks of runs that it has not seen.`;
  box.append(
    h('table', {}, h('caption', {}, caption), h('thead', {}, h('tr', {}, ...head)), h('tbody', {}, ...rows)),
    h('p', { class: 'nbt-method' }, `${response.methods.map(sentence).join(' ')}${score} Neither says what causes what.`)
  );
  return box;
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

function sign(param: ParamImportance): string {
  if (param.correlation === null) return `${param.runs} runs`;
  const value = formatNumber(param.correlation, 2);
  return param.kind === 'number' && param.correlation > 0 ? `+${value}` : value;
}

function amount(param: ParamImportance): string {
  if (param.importance === null) return '';
  const text = (value: number): string => value.toFixed(2).replace('-', '−');
  return `${text(param.importance)} ± ${text(param.importance_sd ?? 0)}`;
}

/** From -1 to 1: the interval as a line, the correlation as a point. */
function correlation(param: ParamImportance): SVGElement {
  const at = (value: number): number => ((value + 1) / 2) * (WIDTH - 8) + 4;
  const { correlation: value, low, high } = param;
  const marks: Node[] = [svg('line', { x1: at(0), x2: at(0), y1: 1, y2: HEIGHT - 1, class: 'nbt-zero' })];
  let words = `${param.name}: too few runs`;
  if (value !== null && low !== null && high !== null) {
    const sure = low > 0 || high < 0;
    marks.push(svg('line', { x1: at(low), x2: at(high), y1: HEIGHT / 2, y2: HEIGHT / 2, class: 'nbt-interval', 'data-sure': String(sure) }));
    marks.push(svg('circle', { cx: at(value), cy: HEIGHT / 2, r: 4, class: 'nbt-estimate', 'data-sure': String(sure) }));
    const [c, a, b] = [value, low, high].map(v => formatNumber(v, 2));
    words = `${c}, 95 % interval ${a} to ${b}, ${param.runs} runs`;
  }
  return svg('svg', { width: WIDTH, height: HEIGHT, viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img', 'aria-label': words }, svg('title', {}, words), ...marks);
}

/** From 0: the mean as a bar, the spread as a line. */
function bar(param: ParamImportance, largest: number): SVGElement {
  const [mean, sd] = [param.importance ?? 0, param.importance_sd ?? 0];
  const at = (value: number): number => 2 + (Math.max(0, value) / largest) * (WIDTH - 6);
  const words = `${amount(param)} (mean and standard deviation over repeats)`;
  return svg(
    'svg',
    { width: WIDTH, height: HEIGHT, viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img', 'aria-label': words },
    svg('title', {}, words),
    svg('rect', { x: 2, y: 4, width: Math.max(1, at(mean) - 2), height: HEIGHT - 8, rx: 1.5, class: 'nbt-bar' }),
    svg('line', { x1: at(mean - sd), x2: at(mean + sd), y1: HEIGHT / 2, y2: HEIGHT / 2, class: 'nbt-whisker' })
  );
}
