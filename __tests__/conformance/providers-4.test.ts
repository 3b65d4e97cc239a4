import { describeProviders } from './describe-providers'

describeProviders(3, 4)
