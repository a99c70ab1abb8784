"""The REST API: signed callers only, throttled, logged, in production behind a web firewall."""

from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_wafv2 as waf
from constructs import Construct

from cdk.function import log_group
from cdk.nag import acknowledge
from cdk.naming import arn, stack_name
from cdk.policies import Allow, grant, service_role
from configs.settings.environment import EnvironmentSettings
from configs.version import version

STAGE = "live"
ROUTES = (("POST", "v1/recommendations"), ("GET", "v1/health"))
RATE_WINDOW_S = 300


class RestApi(Construct):
    """The API over one function."""

    def __init__(
        self,
        scope: Construct,
        name: str,
        settings: EnvironmentSettings,
        *,
        target: lambda_.IFunction,
        key: kms.IKey,
    ) -> None:
        super().__init__(scope, name)
        access = log_group(self, "AccessLogs", settings, key=key)
        self.api = apigateway.RestApi(
            self,
            "Api",
            rest_api_name=stack_name(settings.name, "api"),
            description=f"SevenLens {version()} ({settings.name})",
            endpoint_types=[apigateway.EndpointType.REGIONAL],
            cloud_watch_role=False,
            deploy_options=apigateway.StageOptions(
                stage_name=STAGE,
                description=f"SevenLens {version()}",
                access_log_destination=apigateway.LogGroupLogDestination(access),
                access_log_format=apigateway.AccessLogFormat.json_with_standard_fields(
                    caller=True,
                    http_method=True,
                    ip=False,
                    protocol=True,
                    request_time=True,
                    resource_path=True,
                    response_length=True,
                    status=True,
                    user=True,
                ),
                logging_level=apigateway.MethodLoggingLevel.ERROR,
                data_trace_enabled=False,
                metrics_enabled=True,
                tracing_enabled=True,
                throttling_rate_limit=settings.serving.throttle_rate,
                throttling_burst_limit=settings.serving.throttle_burst,
                variables={"version": version().replace(".", "_")},
            ),
        )
        acknowledge(
            self.api,
            "AwsSolutions-APIG2",
            "the function validates and answers each fault by field; a gateway model could not",
        )
        self._execution_logs(settings, key=key)
        if settings.serving.owns_account_logging:
            self._account()
        integration = apigateway.LambdaIntegration(target, proxy=True, allow_test_invoke=False)
        for method, path in ROUTES:
            route = self.api.root.resource_for_path(path).add_method(
                method,
                integration,
                authorization_type=apigateway.AuthorizationType.IAM,
            )
            acknowledge(
                route, "AwsSolutions-COG4", "callers are back ends that sign by IAM, not end users"
            )
        if settings.serving.waf:
            self._firewall(settings)
        else:
            acknowledge(
                self.api.deployment_stage,
                "AwsSolutions-APIG3",
                "every route is signed by the institution's own back ends; production has one",
            )

    def _execution_logs(self, settings: EnvironmentSettings, *, key: kms.IKey) -> None:
        # API Gateway would make this group itself, unencrypted and kept forever.
        group = log_group(
            self,
            "ExecutionLogs",
            settings,
            key=key,
            physical_name=f"API-Gateway-Execution-Logs_{self.api.rest_api_id}/{STAGE}",
        )
        self.api.deployment_stage.node.add_dependency(group)

    def _account(self) -> None:
        """Set the log role that API Gateway has once an account and region."""
        role = service_role(
            self, "AccountRole", "apigateway.amazonaws.com", "API Gateway writes its logs"
        )
        policy = grant(
            self,
            "AccountPolicy",
            role,
            [
                Allow(
                    (
                        "logs:CreateLogGroup",
                        "logs:CreateLogStream",
                        "logs:DescribeLogGroups",
                        "logs:DescribeLogStreams",
                        "logs:FilterLogEvents",
                        "logs:GetLogEvents",
                        "logs:PutLogEvents",
                    ),
                    (arn("logs", "log-group:*"),),
                    reason="the role serves all APIs of the account and region",
                )
            ],
        )
        account = apigateway.CfnAccount(self, "Account", cloud_watch_role_arn=role.role_arn)
        account.node.add_dependency(policy)
        self.api.deployment_stage.node.add_dependency(account)

    def _firewall(self, settings: EnvironmentSettings) -> None:
        def visible(metric: str) -> waf.CfnWebACL.VisibilityConfigProperty:
            return waf.CfnWebACL.VisibilityConfigProperty(
                cloud_watch_metrics_enabled=True, metric_name=metric, sampled_requests_enabled=False
            )

        rules = [
            waf.CfnWebACL.RuleProperty(
                name="common",
                priority=0,
                override_action=waf.CfnWebACL.OverrideActionProperty(none={}),
                statement=waf.CfnWebACL.StatementProperty(
                    managed_rule_group_statement=waf.CfnWebACL.ManagedRuleGroupStatementProperty(
                        vendor_name="AWS", name="AWSManagedRulesCommonRuleSet"
                    )
                ),
                visibility_config=visible("common"),
            ),
            waf.CfnWebACL.RuleProperty(
                name="rate",
                priority=1,
                action=waf.CfnWebACL.RuleActionProperty(block={}),
                statement=waf.CfnWebACL.StatementProperty(
                    rate_based_statement=waf.CfnWebACL.RateBasedStatementProperty(
                        limit=settings.serving.throttle_rate * RATE_WINDOW_S,
                        aggregate_key_type="IP",
                    )
                ),
                visibility_config=visible("rate"),
            ),
        ]
        acl = waf.CfnWebACL(
            self,
            "Firewall",
            scope="REGIONAL",
            default_action=waf.CfnWebACL.DefaultActionProperty(allow={}),
            rules=rules,
            visibility_config=visible(stack_name(settings.name, "api")),
        )
        waf.CfnWebACLAssociation(
            self,
            "FirewallAssociation",
            resource_arn=self.api.deployment_stage.stage_arn,
            web_acl_arn=acl.attr_arn,
        )
