import type { InitiatorType, UserClaim } from '../../event.ts'
import { localClaimUri } from '../../local-dialect.ts'
import { present } from '../../present.ts'
import { delta, heron, ines, tenant, userStore } from '../cast.ts'
import type { Scenario } from '../scenario.ts'
import type { ProfileEvent, UpdatingClaim } from './event.ts'

const DEPARTMENT = localClaimUri('department')
const EMAIL = localClaimUri('emailaddress')
const MOBILES = localClaimUri('mobileNumbers')

interface Update {
  initiator: InitiatorType
  /** The values to store. */
  changes: UserClaim[]
  /** The attributes that the action lists and the user has. */
  claims?: UpdatingClaim[]
  user?: ProfileEvent['user']
}

function update({ initiator, changes, claims, user = { id: ines.id, organization: heron } }: Update): ProfileEvent {
  return {
    initiatorType: initiator,
    action: 'UPDATE',
    request: { claims: changes },
    tenant,
    organization: heron,
    user: { ...user, ...present({ claims }), groups: ['ops'] },
    userStore,
  }
}

const scenario = (name: string, flow: string, about: string, given: Update): Scenario<ProfileEvent> => ({
  name,
  flow,
  about,
  initiator: given.initiator,
  event: () => update(given),
})

const newDepartment = [{ uri: DEPARTMENT, value: 'Engineering' }]
const departmentBefore = [{ uri: DEPARTMENT, value: 'Sales', updatingValue: 'Engineering' }]

/** When a profile is updated. */
export const scenarios: readonly Scenario<ProfileEvent>[] = [
  scenario('replace', 'userInitiatedProfileUpdate', 'A user replaces a department and adds a telephone number.', {
    initiator: 'USER',
    changes: [...newDepartment, { uri: MOBILES, value: ['+4670000001', '+4670000002'] }],
    claims: [
      ...departmentBefore,
      { uri: MOBILES, value: ['+4670000001'], updatingValue: ['+4670000001', '+4670000002'] },
      { uri: EMAIL, value: ines.email },
    ],
  }),
  scenario('admin', 'adminInitiatedProfileUpdate', 'An administrator replaces the department of a user.', {
    initiator: 'ADMIN',
    changes: newDepartment,
    claims: departmentBefore,
  }),
  scenario('application', 'applicationInitiatedProfileUpdate', 'An application replaces the department of a user.', {
    initiator: 'APPLICATION',
    changes: newDepartment,
    claims: departmentBefore,
  }),
  scenario('remove', 'userInitiatedProfileUpdate', 'A user removes the telephone numbers and the mobile number.', {
    initiator: 'USER',
    changes: [
      { uri: MOBILES, value: [] },
      { uri: localClaimUri('mobile'), value: '' },
    ],
    claims: [
      { uri: MOBILES, value: ['+4670000001'], updatingValue: [] },
      { uri: localClaimUri('mobile'), value: '+4670000001', updatingValue: '' },
    ],
  }),
  scenario('first-value', 'userInitiatedProfileUpdate', 'A user sets a first department, without a value before.', {
    initiator: 'USER',
    changes: newDepartment,
  }),
  scenario(
    'shared-user',
    'adminInitiatedProfileUpdate',
    'A user who is shared with a suborganization is updated there.',
    {
      initiator: 'ADMIN',
      changes: newDepartment,
      claims: departmentBefore,
      user: { id: ines.id, sharedUserId: '3c1f2a9e-7d2b-4a55-9d0c-1b2e3f4a5b6c', organization: delta },
    },
  ),
]
