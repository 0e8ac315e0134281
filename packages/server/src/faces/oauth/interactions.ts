import type { IncomingMessage, ServerResponse } from 'node:http'
import { present } from '@preflow/contract'
import type { Interaction, InteractionResults, Provider } from 'oidc-provider'
import type { Application } from '../../ground/store/model.ts'
import { applicationOf } from './adapter.ts'
import { RESOURCE } from './resource.ts'
import { grantScopes } from './scopes.ts'
import { memoryOf } from './seam/grants.ts'
import { generationOf } from './seam/sessions.ts'

/** The interactions of a provider, for the sign-in pages. */
export interface Interactions {
  find(
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<{ interaction: Interaction; application?: Application }>
  finish(request: IncomingMessage, response: ServerResponse, result: InteractionResults): Promise<void>
  missingScopes(interaction: Interaction): string[]
  grant(interaction: Interaction, application: Application, scopes: readonly string[]): Promise<string>
}

/** Creates them for one provider. */
export function createInteractions(provider: Provider): Interactions {
  return {
    async find(request, response) {
      const interaction = await provider.interactionDetails(request, response)
      const client = await provider.Client.find(String(interaction.params['client_id']))
      return { interaction, ...present({ application: client && applicationOf(client) }) }
    },
    finish: (request, response, result) =>
      provider.interactionFinished(request, response, result, { mergeWithLastSubmission: true }),
    missingScopes({ prompt }) {
      const { missingOIDCScope = [], missingResourceScopes = {} } = prompt.details as {
        missingOIDCScope?: string[]
        missingResourceScopes?: Record<string, string[]>
      }
      return [...new Set([...missingOIDCScope, ...(missingResourceScopes[RESOURCE] ?? [])])]
    },
    async grant(interaction, { clientId, generation }, scopes) {
      const accountId = interaction.session?.accountId
      if (accountId === undefined) throw new Error('a consent was given before the sign-in')
      const known = interaction.grantId ? await provider.Grant.find(interaction.grantId) : undefined
      const grant = known ?? new provider.Grant({ clientId, accountId })
      if (!known) {
        const session = await provider.Session.findByUid(interaction.session?.uid ?? '')
        Object.assign(memoryOf(grant), { clientGeneration: generation, userGeneration: generationOf(session) })
      }
      grantScopes(grant, scopes)
      return grant.save()
    },
  }
}
