export interface VpcHave {
  readonly vpcId: string;
}
export interface SubnetHave {
  readonly subnetId: string;
  readonly zone: string;
}
