import {
  type ActionType,
  actionTypes,
  contractRevision,
  type EndpointAuthentication,
  type Platform,
  present,
} from '@preflow/contract'
import type { Scenario } from '@preflow/contract/guides'
import type { ActionCall } from '@preflow/engine'

/** The extension that is called, and the credentials that the platform sends to it. */
export interface Target {
  url: string
  authentication: EndpointAuthentication
  /** Standard Webhooks secrets. Each call is signed with all of them. */
  signingSecrets: readonly string[]
}

/** Whether calls are authenticated or signed. */
export function isProtected({ authentication, signingSecrets }: Target): boolean {
  return authentication.type !== 'NONE' || signingSecrets.length > 0
}

/** The ids of one call, the same for every platform and attempt. */
export interface CallIdentity {
  requestId: string
  /** Sent for types whose flows make several calls. */
  flowId: string
}

/** The major version that a new action of this type gets on a platform: `v1`. */
export function actionVersion(type: ActionType, platform: Platform): string {
  const revision = contractRevision(platform, type) ?? actionTypes[type].revisions[0] ?? '1'
  return `v${Number.parseInt(revision, 10)}`
}

/** The call as an identity server of this platform makes it. */
export function actionCall(
  type: ActionType,
  { event, allowedParameters }: Pick<Scenario, 'event' | 'allowedParameters'>,
  platform: Platform,
  target: Target,
  { requestId, flowId }: CallIdentity,
  version: string = actionVersion(type, platform),
): ActionCall {
  const { url, authentication, signingSecrets } = target
  return {
    action: {
      id: 'preflow-sample',
      type,
      version,
      endpoint: {
        uri: url,
        authentication,
        signingSecrets,
        ...present({ allowedParameters }),
      },
    },
    platform,
    event: event(platform),
    facts: {},
    requestId,
    ...(actionTypes[type].category === 'IN_FLOW' && { flowId }),
  }
}
