import { offerServer } from '@nbtrack/shared/backend';
import { HttpBackend } from '@nbtrack/shared/http_backend';
import { NbtrackServer } from '@nbtrack/shared/server';
import { StoreWatcher } from '@nbtrack/shared/watcher';
import { StoreEvents } from './store_events';
import { PageHost } from './page_host';
import { Shell } from './shell';
import { followSystem } from './theme';

const base = new URL('./', location.href.split(/[?#]/)[0]).href;
const server = new NbtrackServer({ baseUrl: base, name: 'The server', request: (url, init) => fetch(url, { ...init, credentials: 'same-origin' }) });
const backend = (storeId: string): HttpBackend => new HttpBackend(server, storeId);
const watcher = new StoreWatcher(new StoreEvents(`${base}nbtrack/events`), (store, seconds) => server.watch(store, seconds));
const host = document.getElementById('page')!;

followSystem();
offerServer(backend);
void new Shell(host, { server, watcher, appHost: new PageHost(document.body), backend }).start();
