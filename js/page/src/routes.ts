import { NOTHING, parametersOf, type Shown, shownIn } from './address_state';

/** What the page shows; each has an address of its own, so that it can be kept and sent. */
export type Route =
  | { page: 'runs'; experiments: string[]; view: 'table' | 'plots'; shown?: Shown }
  | { page: 'run'; runId: string; tab: string; shown?: Shown }
  | { page: 'compare'; runIds: string[]; shown?: Shown }
  | { page: 'models' }
  | { page: 'model'; name: string }
  | { page: 'version'; name: string; version: number; tab: string }
  | { page: 'logged'; modelId: string; tab: string }
  | { page: 'nothing'; address: string };

/** Read the part of an address after the `#`. */
export function parseRoute(hash: string): Route {
  const [path = '', query = ''] = hash.replace(/^#?\/?/, '').split('?', 2);
  const parts = path.split('/').filter(Boolean).map(decode);
  const parameters = new URLSearchParams(query);
  const list = (name: string): string[] => (parameters.get(name) ?? '').split(',').filter(Boolean);
  const tab = parameters.get('tab') ?? '';
  const [page = 'runs', first, second, ...more] = asMlflow(parts);
  const nothing: Route = { page: 'nothing', address: hash };
  const shown = shownIn(parameters);
  if (more.length > 0) return nothing;
  if (page === 'runs' && first === undefined) {
    return { page: 'runs', experiments: list('experiments'), view: parameters.get('view') === 'plots' ? 'plots' : 'table', shown };
  }
  if (page === 'experiments' && first !== undefined && second === undefined) {
    return { page: 'runs', experiments: [first], view: 'table', shown };
  }
  if (page === 'runs' && second === undefined) return { page: 'run', runId: first!, tab, shown };
  if (page === 'compare' && first === undefined) return { page: 'compare', runIds: list('runs'), shown };
  if (page === 'models' && first === undefined) return { page: 'models' };
  if (page === 'models' && second === undefined) return { page: 'model', name: first! };
  if (page === 'models' && /^\d+$/.test(second!)) return { page: 'version', name: first!, version: Number(second), tab };
  if (page === 'logged-models' && first !== undefined && second === undefined) return { page: 'logged', modelId: first, tab };
  return nothing;
}

/** Read the addresses that MLflow's clients print as ours. */
function asMlflow(parts: string[]): string[] {
  const [page, first, kind, id] = parts;
  if (page === 'experiments' && kind === 'runs' && id !== undefined) return ['runs', id];
  if (page === 'experiments' && kind === 'models' && id !== undefined) return ['logged-models', id];
  if (page === 'models' && kind === 'versions' && id !== undefined) return ['models', first!, id];
  return parts;
}

/** Write the address of a route, to go after the `#`. */
export function addressOf(route: Route): string {
  const part = encodeURIComponent;
  const query = (values: Record<string, string>): string => {
    const given = Object.entries(values).filter(([, value]) => value !== '');
    return given.length > 0 ? `?${given.map(([name, value]) => `${name}=${part(value).replaceAll('%2C', ',')}`).join('&')}` : '';
  };
  const shown = parametersOf('shown' in route && route.shown ? route.shown : NOTHING);
  switch (route.page) {
    case 'runs':
      return `#/runs${query({ experiments: route.experiments.join(','), view: route.view === 'plots' ? 'plots' : '', ...shown })}`;
    case 'run':
      return `#/runs/${part(route.runId)}${query({ tab: route.tab, ...shown })}`;
    case 'compare':
      return `#/compare${query({ runs: route.runIds.join(','), ...shown })}`;
    case 'models':
      return '#/models';
    case 'model':
      return `#/models/${part(route.name)}`;
    case 'version':
      return `#/models/${part(route.name)}/${route.version}${query({ tab: route.tab })}`;
    case 'logged':
      return `#/logged-models/${part(route.modelId)}${query({ tab: route.tab })}`;
    case 'nothing':
      return route.address;
  }
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
