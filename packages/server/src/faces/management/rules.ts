import { actionTypes, type RuleField, ruleOperators } from '@preflow/contract'
import { localClaims } from '../../ground/claims/local-claims.ts'
import { Problem } from '../../ground/problem.ts'
import type { Handlers } from './handler.ts'
import type { RuleFieldView } from './routes/actions.ts'

const noSuchFlow = () =>
  new Problem(400, 'RULEMETA-60001', 'Provided flow type is invalid or not implemented.', { title: 'Invalid flow.' })

export const ruleHandlers: Handlers<'getRuleMetadata' | 'listLocalClaims'> = {
  getRuleMetadata: {
    async handle({ query }) {
      const descriptor = Object.values(actionTypes).find(({ path }) => path === query.flow)
      if (!descriptor?.ruleFields.length) throw noSuchFlow()
      return { status: 200, body: descriptor.ruleFields.map(describeField) }
    },
  },

  listLocalClaims: {
    async handle({ query }) {
      const claims = [...localClaims.values()].map(({ uri, displayName }) => ({ claimURI: uri, displayName }))
      return { status: 200, body: claims.slice(0, query.limit) }
    },
  },
}

function describeField({ name, displayName, value }: RuleField): RuleFieldView {
  return {
    field: { name, displayName },
    operators: Object.entries(ruleOperators).map(([operator, words]) => ({
      name: operator,
      displayName: words.displayName,
    })),
    value:
      value.kind === 'options'
        ? {
            inputType: 'options',
            valueType: 'string',
            values: value.values.map(option => ({ name: option, displayName: inWords(option) })),
          }
        : {
            inputType: 'options',
            valueType: 'reference',
            valueReferenceAttribute: value.valueAttribute,
            valueDisplayAttribute: value.displayAttribute,
            links: value.links.map(({ href, rel }) => ({ href, method: 'GET', rel })),
          },
  }
}

/** The readable form of `authorization_code` and the URN of the device grant: `authorization code`, `device code`. */
function inWords(option: string): string {
  const words = (option.split(':').at(-1) ?? option).replaceAll(/[_-]/g, ' ')
  const spaced = words.replaceAll(/([a-z])([A-Z])/g, '$1 $2').toLowerCase()
  return words === spaced ? spaced : spaced.charAt(0).toUpperCase() + spaced.slice(1)
}
