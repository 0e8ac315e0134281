import * as policies from '@preflow/policies'

/** Uses the defaults of @preflow/policies. Set your own options here. */
// sample of plain
export const sourceAddress = () => policies.sourceAddress({})
// end of sample
