import * as policies from '@preflow/policies'
import type { Ports } from '../ports.ts'

/** New passwords must be long enough and not built from attributes of the user. */
export const passwordRules = (ports: Pick<Ports, 'credential'>) => policies.passwordRules({ minLength: 12 }, ports)
