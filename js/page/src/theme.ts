/** The themes to choose from; `auto` is what the system has. */
export const THEMES = ['auto', 'light', 'dark'] as const;
export type ThemeName = (typeof THEMES)[number];

const KEPT = 'nbtrack:theme';
const system = (): MediaQueryList => matchMedia('(prefers-color-scheme: dark)');

export function chosenTheme(): ThemeName {
  const kept = localStorage.getItem(KEPT);
  return THEMES.find(name => name === kept) ?? 'auto';
}

export function chooseTheme(name: ThemeName): void {
  localStorage.setItem(KEPT, name);
  applyTheme();
}

/** Let the page have the chosen theme; everything in it follows the attribute. */
export function applyTheme(): void {
  const name = chosenTheme();
  const dark = name === 'dark' || (name === 'auto' && system().matches);
  document.documentElement.dataset['theme'] = dark ? 'dark' : 'light';
}

/** Follow the system from now on. */
export function followSystem(): void {
  system().addEventListener('change', applyTheme);
}
