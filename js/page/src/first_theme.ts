import { applyTheme } from './theme';

// before anything is drawn, so that nobody sees a flash of the other theme
applyTheme();
