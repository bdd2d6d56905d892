/** Colours that people with any colour vision tell apart (after Okabe and Ito), for light and dark pages. */
export const LIGHT = ['#0072b2', '#d55e00', '#009e73', '#a8578a', '#b37a00', '#3a8fc4', '#6b6b6b'];
export const DARK = ['#5ab4f0', '#f0894a', '#3fc79a', '#df9bc3', '#e8b341', '#8fd0f5', '#b5b5b5'];
/** Fewer and stronger ones, for projectors and for eyes that need it. */
const LIGHT_CONTRAST = ['#00539c', '#b33c00', '#00664b', '#7a1f5c', '#000000'];
const DARK_CONTRAST = ['#7cc7ff', '#ffb000', '#5fe0b7', '#ff9ad5', '#ffffff'];
const DASHES = ['solid', '7px,3px', '2px,2px', '9px,3px,2px,3px'] as const;

export interface Theme {
  dark: boolean;
  text: string;
  muted: string;
  grid: string;
  danger: string;
  font: string;
  palette: readonly string[];
}

/** Read the theme that the page gives to `root`, from computed styles. */
export function readTheme(root: HTMLElement): Theme {
  const probe = document.createElement('span');
  root.append(probe);
  const colour = (name: string): string => {
    probe.style.color = `var(${name})`;
    return getComputedStyle(probe).color;
  };
  const style = getComputedStyle(root);
  const text = colour('--nbt-text');
  const dark = luminance(text) > 0.5;
  const theme: Theme = {
    dark,
    text,
    muted: colour('--nbt-muted'),
    grid: colour('--nbt-grid'),
    danger: colour('--nbt-bad'),
    font: style.fontFamily || 'sans-serif',
    palette: paletteOf(dark)
  };
  probe.remove();
  root.classList.toggle('nbt-dark', dark);
  return theme;
}

/** The page's own choice, such as a setting of JupyterLab, stands at its body. */
function paletteOf(dark: boolean): readonly string[] {
  if (document.body.dataset['nbtrackPalette'] === 'contrast') return dark ? DARK_CONTRAST : LIGHT_CONTRAST;
  return dark ? DARK : LIGHT;
}

function luminance(colour: string): number {
  const [r = 0, g = 0, b = 0] = (colour.match(/[\d.]+/g) ?? []).map(Number);
  return (0.2126 * r + 0.7152 * g + 0.0722 * b) / 255;
}

export function colourOf(theme: Theme, index: number): string {
  return theme.palette[index % theme.palette.length] ?? theme.text;
}

/** The second cue beside colour. */
export function dashOf(index: number): string {
  return DASHES[index % DASHES.length] ?? 'solid';
}

/**
 * Give the theme of `root` to the callback once it is in the page, and whenever the page changes it.
 *
 * Returns what stops it.
 */
export function followTheme(root: HTMLElement, callback: (theme: Theme) => void): () => void {
  const read = (): void => {
    if (root.isConnected) callback(readTheme(root));
  };
  // the first observation is when the element gets its place in the page
  const placed = new ResizeObserver(() => {
    if (!root.isConnected) return;
    placed.disconnect();
    read();
  });
  placed.observe(root);
  const observer = new MutationObserver(() => requestAnimationFrame(read));
  for (const element of [document.body, document.documentElement]) {
    observer.observe(element, {
      attributes: true,
      attributeFilter: ['class', 'data-jp-theme-name', 'data-jp-theme-light', 'data-theme', 'data-vscode-theme-kind', 'data-nbtrack-palette']
    });
  }
  const media = matchMedia('(prefers-color-scheme: dark)');
  media.addEventListener('change', read);
  return () => {
    placed.disconnect();
    observer.disconnect();
    media.removeEventListener('change', read);
  };
}
