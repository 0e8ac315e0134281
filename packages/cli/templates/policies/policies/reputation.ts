import * as policies from '@preflow/policies'
import type { Ports } from '../ports.ts'

/** Addresses with a bad reputation get no token, doubtful ones a token with a shorter lifetime. */
export const reputation = (ports: Pick<Ports, 'reputation'>) =>
  policies.reputation({ denyAbove: 75, reduceFrom: 25 }, { lookup: ports.reputation })
