import { onEachDatabase } from './databases.fixture.ts'
import { storeCases } from './store.cases.ts'

onEachDatabase('the store', storeCases)
