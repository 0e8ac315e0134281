/** The routes of groups. */
import { present } from '@preflow/contract'
import { decide } from '../../domain/access/decide.ts'
import type { OperationName } from '../../domain/access/operations.ts'
import { reachOfGroup } from '../../domain/access/reach.ts'
import { mustBeAllowed } from '../../domain/credentials/credential-problems.ts'
import { changeGroup, createGroup, deleteGroup } from '../../domain/users/change-group.ts'
import { findGroup } from '../../ground/store/groups.ts'
import type { Group } from '../../ground/store/model.ts'
import { findGroups, readGroupQuery, showsMembers, wholeGroups } from './find-groups.ts'
import { patchGroup, readGroup, toGroupResource } from './group-resource.ts'
import { groupType } from './group-schema.ts'
import { cursorAt, listResponse, positionOf } from './paging.ts'
import { scimProblems } from './scim-problems.ts'
import type { GuardedScimRoute } from './scim-routes.ts'
import { readSelection, select } from './select.ts'
import { versionOf } from './user-resource.ts'
import { answer, answerResource, checkVersion, type Handler, readSearch, type ScimPorts, type Visit } from './visit.ts'

export function groupHandlers(ports: ScimPorts) {
  const search: Handler = async visit => list({ ...visit, query: await readSearch(visit) }, ports)
  const change: Handler = async visit => {
    const group = await mustFind(visit, ports)
    await mayChange(visit, 'group.update', group, ports)
    checkVersion(visit.request, versionOf(group))
    const body = await visit.readBody()
    const wanted = visit.request.method === 'PATCH' ? patchGroup(body, group) : readGroup(body)
    const isConditional = visit.request.headers.has('if-match')
    const changed = await changeGroup(ports, group, wanted, {
      initiator: visit.caller.id,
      ...present({ readAt: isConditional ? group.updatedAt : undefined }),
    })
    return answerGroup(visit, changed, ports)
  }
  return {
    async 'POST /Groups'(visit) {
      const wanted = readGroup(await visit.readBody())
      const group = await createGroup(ports, visit.organization, wanted, visit.caller.id)
      return answerGroup(visit, group, ports, 201)
    },
    'GET /Groups': visit => list(visit, ports),
    'POST /Groups/.search': search,
    'GET /Groups/{id}': async visit => answerGroup(visit, await mustFind(visit, ports), ports),
    'PUT /Groups/{id}': change,
    'PATCH /Groups/{id}': change,
    async 'DELETE /Groups/{id}'(visit) {
      const group = await mustFind(visit, ports)
      await mayChange(visit, 'group.delete', group, ports)
      checkVersion(visit.request, versionOf(group))
      await deleteGroup(ports, group, visit.caller.id)
      return new Response(null, { status: 204 })
    },
  } satisfies Partial<Record<GuardedScimRoute, Handler>>
}

async function list(visit: Visit, { db }: ScimPorts): Promise<Response> {
  const query = readGroupQuery(visit.query)
  const scope = { organizationId: visit.organization.id, query: visit.query }
  const position = positionOf(query.page, db.seal, scope)
  const { groups, total } = await findGroups(db, visit.organization, query, position)
  const resources = groups.map(group => select(toGroupResource(group, visit.location), query.selection))
  const end = ('offset' in position ? position.offset : 0) + groups.length
  const nextCursor = groups.length > 0 && end < total ? cursorAt({ offset: end }, db.seal, scope) : undefined
  return answer(200, listResponse(query.page, { total, resources, ...present({ nextCursor }) }))
}

async function mustFind({ organization, params, tenant }: Visit, { db }: ScimPorts): Promise<Group> {
  const { id = '' } = params
  const group = id.includes('\0') ? undefined : await findGroup(db, tenant.id, id)
  if (group?.organizationId !== organization.id) throw scimProblems.notFound()
  return group
}

/** Without this check a group manager could join a group with more permissions. */
async function mayChange(
  { caller, organization }: Visit,
  operation: OperationName,
  group: Group,
  { db }: ScimPorts,
): Promise<void> {
  mustBeAllowed(decide(caller, operation, organization, { reach: await reachOfGroup(db, group) }))
}

async function answerGroup(visit: Visit, group: Group, { db }: ScimPorts, status?: number): Promise<Response> {
  const { attributes, excludedAttributes } = visit.query
  const selection = readSelection(attributes, excludedAttributes, groupType)
  const [whole] = await wholeGroups(db, [group], showsMembers(selection))
  if (!whole) throw scimProblems.notFound()
  const { location } = visit
  const shown = {
    resource: toGroupResource(whole, location),
    type: groupType,
    version: versionOf(group),
    url: `${location}/Groups/${group.id}`,
  }
  return answerResource(visit, shown, status)
}
