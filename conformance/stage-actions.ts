import { type ActionType, actionTypes, present } from '@preflow/contract'
import type { ActionInput } from '@preflow/server/management'
import type { EndpointServer, ExtensionUnderTest } from './extension-under-test.ts'
import type { Call } from './requests.ts'

/** The settings of an action, besides name and endpoint. The endpoint's own members are at the top level. */
export type ActionSettings = Partial<Omit<ActionInput, 'endpoint'>> & Partial<ActionInput['endpoint']>

/** The actions of a stage and the extensions behind them. */
export interface StageActions {
  /** The extension behind the action of this type. */
  extension(type: ActionType): ExtensionUnderTest
  /** Creates the active action of this type again, with these settings and the defaults of the API. Returns its id. */
  configure(type: ActionType, settings?: ActionSettings): Promise<string>
  /** Deletes the action of this type. */
  remove(type: ActionType): Promise<void>
  /** Reverts the changes of a row. Afterwards only the access token action exists. */
  reset(): Promise<void>
}

/** The path of the actions of a type. */
export function actionPath(type: ActionType): string {
  return `/api/server/v1/actions/${actionTypes[type].path}`
}

export function openStageActions(endpoints: EndpointServer, must: Call): StageActions {
  const extensions = new Map<ActionType, ExtensionUnderTest>()
  /** Ids of the existing actions. */
  const actions = new Map<ActionType, string>()
  /** Types whose action a row has changed. */
  const touched = new Set<ActionType>()

  const extension: StageActions['extension'] = type => {
    const known = extensions.get(type) ?? endpoints.extension(`/${type}`)
    extensions.set(type, known)
    return known
  }

  const remove: StageActions['remove'] = async type => {
    touched.add(type)
    const id = actions.get(type)
    if (id === undefined) return
    await must('DELETE', `${actionPath(type)}/${id}`)
    actions.delete(type)
  }

  const configure: StageActions['configure'] = async (type, settings = {}) => {
    await remove(type)
    const { uri = extension(type).url, authentication = { type: 'NONE' }, ...others } = settings
    const { allowedHeaders, allowedParameters, signing, ...more } = others
    const endpoint = { uri, authentication, ...present({ allowedHeaders, allowedParameters, signing }) }
    const { body } = await must('POST', actionPath(type), { name: 'Under test', endpoint, ...more })
    actions.set(type, body.id)
    await must('POST', `${actionPath(type)}/${body.id}/activate`)
    return body.id
  }

  return {
    extension,
    configure,
    remove,
    async reset() {
      for (const known of extensions.values()) known.reset()
      for (const type of touched) {
        if (type === 'PRE_ISSUE_ACCESS_TOKEN') await configure(type)
        else await remove(type)
      }
      touched.clear()
    },
  }
}
