import { type InitiatorType, type ProfileEvent, present, type UpdatingClaim, type UserClaim } from '@preflow/contract'
import { delta, heron, ines, tenant, userStore } from './cast.ts'
import type { Occasion } from './occasion.ts'

const DEPARTMENT = 'http://wso2.org/claims/department'
const EMAIL = 'http://wso2.org/claims/emailaddress'
const MOBILES = 'http://wso2.org/claims/mobileNumbers'

interface Update {
  initiator: InitiatorType
  /** What will be stored. */
  changes: UserClaim[]
  /** What the user has of the attributes the action asks for. */
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

const occasion = (name: string, flow: string, about: string, given: Update): Occasion<ProfileEvent> => ({
  name,
  flow,
  about,
  initiator: given.initiator,
  event: () => update(given),
})

const newDepartment = [{ uri: DEPARTMENT, value: 'Engineering' }]
const departmentBefore = [{ uri: DEPARTMENT, value: 'Sales', updatingValue: 'Engineering' }]

/** When a profile is updated. */
export const profileOccasions: readonly Occasion<ProfileEvent>[] = [
  occasion('replace', 'userInitiatedProfileUpdate', 'A user replaces a department and adds a telephone number.', {
    initiator: 'USER',
    changes: [...newDepartment, { uri: MOBILES, value: ['+4670000001', '+4670000002'] }],
    claims: [
      ...departmentBefore,
      { uri: MOBILES, value: ['+4670000001'], updatingValue: ['+4670000001', '+4670000002'] },
      { uri: EMAIL, value: ines.email },
    ],
  }),
  occasion('admin', 'adminInitiatedProfileUpdate', 'An administrator replaces the department of a user.', {
    initiator: 'ADMIN',
    changes: newDepartment,
    claims: departmentBefore,
  }),
  occasion('application', 'applicationInitiatedProfileUpdate', 'An application replaces the department of a user.', {
    initiator: 'APPLICATION',
    changes: newDepartment,
    claims: departmentBefore,
  }),
  occasion('remove', 'userInitiatedProfileUpdate', 'A user removes the telephone numbers and the mobile number.', {
    initiator: 'USER',
    changes: [
      { uri: MOBILES, value: [] },
      { uri: 'http://wso2.org/claims/mobile', value: '' },
    ],
    claims: [
      { uri: MOBILES, value: ['+4670000001'], updatingValue: [] },
      { uri: 'http://wso2.org/claims/mobile', value: '+4670000001', updatingValue: '' },
    ],
  }),
  occasion('first-value', 'userInitiatedProfileUpdate', 'A user gives a first department: there is no value before.', {
    initiator: 'USER',
    changes: newDepartment,
  }),
  occasion(
    'shared-user',
    'adminInitiatedProfileUpdate',
    'A user who is shared with an organization below is updated there.',
    {
      initiator: 'ADMIN',
      changes: newDepartment,
      claims: departmentBefore,
      user: { id: ines.id, sharedUserId: '3c1f2a9e-7d2b-4a55-9d0c-1b2e3f4a5b6c', organization: delta },
    },
  ),
]
