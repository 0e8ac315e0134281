import { instant } from '../../ground/http/mounted.ts'
import { requestProblems } from '../../ground/http/request-problems.ts'
import { listAuditRecords } from '../../ground/store/audit.ts'
import { countCalls, findCall, listCalls } from '../../ground/store/calls.ts'
import type { CallRecord } from '../../ground/store/model.ts'
import type { SecurityLog } from '../../ground/store/security-log.ts'
import type { Handlers } from './handler.ts'
import type { CallSummary } from './routes/calls.ts'

type CallRouteName = 'listCalls' | 'countCalls' | 'getCall' | 'listAuditRecords'

/** @param securityLog Its events are written before the list is read. */
export const callHandlers = (securityLog?: Pick<SecurityLog, 'flush'>): Handlers<CallRouteName> => ({
  listCalls: {
    async handle({ db, tenant, query }) {
      return { status: 200, body: (await listCalls(db, tenant.id, query)).map(summarize) }
    },
  },

  countCalls: {
    async handle({ db, tenant, query }) {
      const counts = await countCalls(db, tenant.id, query.since === undefined ? 0 : Date.parse(query.since))
      return { status: 200, body: counts.map(count => ({ ...count, lastAt: instant(count.lastAt) })) }
    },
  },

  getCall: {
    async handle({ db, tenant, params }) {
      const call = await findCall(db, tenant.id, params.callId)
      if (!call) {
        throw requestProblems.notFound(
          'No call has this id, or its record was deleted because of its age.',
          'Call is not found.',
        )
      }
      return { status: 200, body: { ...summarize(call), details: call.details } }
    },
  },

  listAuditRecords: {
    async handle({ db, tenant, query }) {
      await securityLog?.flush()
      const { since, ...search } = query
      const from = since === undefined ? {} : { since: Date.parse(since) }
      const records = await listAuditRecords(db, tenant.id, { ...search, ...from })
      return {
        status: 200,
        body: records.map(({ tenantId: _, recordedAt, ...record }) => ({ ...record, recordedAt: instant(recordedAt) })),
      }
    },
  },
})

function summarize({ tenantId: _, details: __, startedAt, ...call }: CallRecord): CallSummary {
  return { ...call, startedAt: instant(startedAt) }
}
