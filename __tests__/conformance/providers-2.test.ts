import { describeProviders } from './describe-providers'

describeProviders(1, 4)
