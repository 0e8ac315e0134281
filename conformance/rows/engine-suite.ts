import { numbered, type Suite } from '../row.ts'
import { answers } from './engine-answers.ts'
import { attempts } from './engine-attempts.ts'
import { authentication } from './engine-authentication.ts'
import { clientVisible } from './engine-client.ts'
import { disclosure } from './engine-disclosure.ts'
import { envelope } from './engine-envelope.ts'
import { management } from './engine-management.ts'
import { filter, processors } from './engine-operations.ts'
import { rules } from './engine-rules.ts'
import { selection } from './engine-selection.ts'

/** The rows of the engine. */
export const engineSuite: Suite = {
  title: 'Engine and management',
  ids: numbered('E', 166),
  sections: [
    selection,
    disclosure,
    envelope,
    authentication,
    attempts,
    answers,
    filter,
    processors,
    rules,
    management,
    clientVisible,
  ],
}
