// made once: making one takes longer than all else that a cell of a table costs
const GROUPED = new Intl.NumberFormat('en-US');
/** For sorting: `layer_2` comes before `layer_10`. */
export const byName = new Intl.Collator('en', { numeric: true }).compare;

/** A number as people read it: four significant digits, `1.2e-5` where zeros would be counted. */
export function formatNumber(value: number | null | undefined, digits = 4): string {
  if (value === null || value === undefined) return '';
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '∞' : '−∞';
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (Number.isInteger(value) && size < 1e9) return minus(GROUPED.format(value));
  if (size < 1e-3 || size >= 1e6) {
    const [mantissa = '', exponent = ''] = value.toExponential(digits - 2).split('e');
    return minus(`${mantissa.replace(/\.?0+$/, '')}e${Number(exponent)}`);
  }
  const rounded = Number(value.toPrecision(digits));
  return minus(size >= 1000 ? rounded.toLocaleString('en-US') : String(rounded));
}

function minus(text: string): string {
  return text.replace(/^-/, '−');
}

/** A duration in seconds, such as `4.2 s`, `3 min 20 s` or `2 h 05 min`. */
export function formatDuration(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds) || seconds < 0) return '';
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const two = (n: number): string => String(n).padStart(2, '0');
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 48 * 60) return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} min`;
  const hours = Math.round(seconds / 3600);
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** A point in time (ms since the epoch) as local date and time. */
export function formatTime(ms: number | null | undefined, now = Date.now()): string {
  if (ms === null || ms === undefined || !Number.isFinite(ms)) return '';
  const date = new Date(ms);
  const two = (n: number): string => String(n).padStart(2, '0');
  const clock = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return new Date(now).toDateString() === date.toDateString() ? `today ${clock}` : `${day} ${clock}`;
}

/** A rate, such as `12.3 steps/s`, or `4.1 s/step` when it is slow. */
export function formatRate(perSecond: number | null | undefined): string {
  if (!perSecond || !Number.isFinite(perSecond)) return '';
  if (perSecond < 0.5) return `${formatDuration(1 / perSecond)}/step`;
  return `${formatNumber(perSecond >= 100 ? Math.round(perSecond) : perSecond, 3)} steps/s`;
}

/** A size in bytes as people read it. */
export function formatBytes(bytes: number | null | undefined): string {
  if (bytes === null || bytes === undefined) return '';
  if (bytes < 1000) return `${bytes} B`;
  const units = ['kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 'B';
  for (const next of units) {
    if (value < 999.5) break;
    value /= 1000;
    unit = next;
  }
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${unit}`;
}

/** A value out of JSON as a short text. */
export function formatValue(value: unknown): string {
  if (value === null || value === undefined) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** How many, with the word for it: `1 run`, `2 runs`. */
export function counted(count: number, word: string): string {
  return `${formatNumber(count)} ${count === 1 ? word : `${word}s`}`;
}
