import { describeProviders } from './describe-providers'

describeProviders(2, 4)
