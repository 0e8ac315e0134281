import * as policies from '@preflow/policies'
import type { Ports } from '../ports.ts'

/** Addresses in blocked countries get no token. */
export const country = (ports: Pick<Ports, 'country'>) =>
  policies.country({ blocked: ['KP', 'IR'] }, { lookup: ports.country })
