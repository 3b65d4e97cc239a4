import { describeProviders } from './describe-providers'

describeProviders(0, 4)
