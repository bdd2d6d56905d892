const KEY = Symbol.for('nbtrack.colours@1');
type Page = typeof globalThis & { [KEY]?: Map<string, number> };

/** How a run looks: the place of its colour, and how often that colour came before in the same chart. */
export interface RunStyle {
  colour: number;
  repeat: number;
}

/**
 * The colour of a repeat: the same hue darker, then lighter.
 *
 * Lighter first, a blue of a dark page would be the light blue that comes before it.
 */
export function shade(colour: string, repeat: number, dark: boolean): string {
  const turn = repeat % 3;
  if (turn === 0) return colour;
  const [target, share] = turn === 1 ? [0, 0.38] : [255, dark ? 0.55 : 0.4];
  const channels = [1, 3, 5].map(at => Number.parseInt(colour.slice(at, at + 2), 16));
  return `#${channels.map(c => Math.round(c + (target - c) * share).toString(16).padStart(2, '0')).join('')}`;
}

/**
 * Give every run a colour that it has in all charts of the page.
 *
 * A run that is new to the page gets the colour that its chart uses least.
 */
export function runStyles(runs: readonly string[], colours: number): Map<string, RunStyle> {
  const known = ((globalThis as Page)[KEY] ??= new Map<string, number>());
  const used = new Array<number>(colours).fill(0);
  for (const run of runs) {
    const colour = known.get(run);
    if (colour !== undefined) used[colour % colours]! += 1;
  }
  for (const run of runs) {
    if (known.has(run)) continue;
    const colour = used.indexOf(Math.min(...used));
    known.set(run, colour);
    used[colour]! += 1;
  }
  const seen = new Map<number, number>();
  return new Map(
    runs.map(run => {
      const colour = known.get(run)! % colours;
      const repeat = seen.get(colour) ?? 0;
      seen.set(colour, repeat + 1);
      return [run, { colour, repeat }];
    })
  );
}
