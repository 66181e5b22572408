import type { Sight } from './contract.js';

const forAnyone = 'it is told to anyone';
const preflight = 'a preflight bears no key, and nothing of it is refused but a path that names no web action';

/** What an operation cannot be seen to do, and why. */
export const exempt: Readonly<Record<string, Readonly<Partial<Record<Sight, string>>>>> = {
  getServer: { 'refuses strangers': forAnyone },
  ping: { 'refuses strangers': forAnyone },
  getApi: { 'refuses strangers': forAnyone },
  getDocument: { 'refuses strangers': forAnyone },
  getApiDocument: { 'refuses strangers': forAnyone },
  getPage: { 'refuses strangers': forAnyone },
  getApiPage: { 'refuses strangers': forAnyone },
  listInvokers: { 'refuses strangers': forAnyone },
  countHealthyInvokers: { 'refuses strangers': forAnyone },
  areInvokersReady: { 'refuses strangers': forAnyone },
  listRunning: { 'refuses strangers': forAnyone },
  countRunning: { 'refuses strangers': forAnyone },
  optionsWebAction: { 'refuses strangers': preflight },
  getLimit: { succeeds: 'OpenWhisk has the path and refuses whatever is asked' },
};
