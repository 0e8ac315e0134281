import { localClaimUri } from '../../local-dialect.ts'
import { gaugeBoard, heron, ines, tenant, userStore } from '../cast.ts'
import type { Scenario } from '../scenario.ts'
import type { AuthenticationEvent } from './event.ts'

const application = { id: gaugeBoard.id, name: gaugeBoard.name }

/** When a custom authenticator is called. A call after the browser returned looks like the first one. */
export const scenarios: readonly Scenario<AuthenticationEvent>[] = [
  {
    name: 'first-step',
    flow: 'first-step',
    about: 'The authenticator is the first step of a sign-in. No user is known yet.',
    event: () => ({ tenant, organization: heron, application, currentStepIndex: 1 }),
  },
  {
    name: 'second-step',
    flow: 'second-step',
    about: 'A local user has completed the first step. A parameter of the request is forwarded.',
    allowedParameters: ['door'],
    event: () => ({
      request: { additionalParams: [{ name: 'door', value: ['7_north'] }] },
      tenant,
      organization: heron,
      user: {
        id: ines.id,
        userIdentitySource: 'LOCAL',
        sub: ines.name,
        claims: [{ uri: localClaimUri('mobileNumbers'), value: ['+4670000001'] }],
        groups: ['ops'],
      },
      userStore,
      application,
      currentStepIndex: 2,
      authenticatedSteps: [{ index: 1, name: 'BasicAuthenticator' }],
    }),
  },
  {
    name: 'federated-step',
    flow: 'federated-step',
    about: 'A user of another identity provider has completed the first step.',
    event: () => ({
      tenant,
      organization: heron,
      user: { userIdentitySource: 'FEDERATED', sub: 'riverside|ines' },
      userStore: {},
      application,
      currentStepIndex: 2,
      authenticatedSteps: [{ index: 1, name: 'OpenIDConnectAuthenticator' }],
    }),
  },
]
