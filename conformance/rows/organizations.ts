/** Organizations below the root of a tenant, and what rows do in them. */
import { randomBytes } from 'node:crypto'
import { type ActionType, actionTypes, present } from '@preflow/contract'
import type { ExtensionUnderTest } from '../extension-under-test.ts'
import type { Stage } from '../stage.ts'
import { API } from './doors.ts'

/** An organization as events show it, and the path of its APIs. */
export interface OrganizationUnderTest {
  shown: { id: string; name: string; orgHandle: string; depth: number }
  /** `/o/…`, with its id. */
  below: string
}

/** Creates an organization called Reed, or another name, below the root or below `parent`. */
export async function addOrganization(
  stage: Stage,
  { name = 'Reed', parent }: { name?: string; parent?: OrganizationUnderTest } = {},
): Promise<OrganizationUnderTest> {
  const { body } = await stage.must('POST', `${API}/organizations`, {
    name,
    orgHandle: `${name.toLowerCase()}-${randomBytes(4).toString('hex')}`,
    ...present({ parentId: parent?.shown.id }),
  })
  const { id, orgHandle, depth } = body
  return { shown: { id, name, orgHandle, depth }, below: `/o/${id}` }
}

/** Gives the organization its own active action. Its extension answers SUCCESS. */
export async function configureBelow(
  stage: Stage,
  { below, shown }: OrganizationUnderTest,
  type: ActionType,
  settings: object = {},
): Promise<ExtensionUnderTest> {
  const extension = stage.endpoints.extension(`/${type}/${shown.id}`)
  const path = `${below}${API}/actions/${actionTypes[type].path}`
  const { body } = await stage.must('POST', path, {
    name: 'Of the organization',
    endpoint: { uri: extension.url, authentication: { type: 'NONE' } },
    ...settings,
  })
  await stage.must('POST', `${path}/${body.id}/activate`)
  return extension
}
