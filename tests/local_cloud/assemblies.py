"""A small cloud assembly in the form that synthesis writes, with the features deploy must meet."""

import hashlib
import json
from pathlib import Path
from typing import Any

HANDLER = """
import json, os, time
import boto3

def handler(event, context):
    if event.get("converse") is not None:
        answer = boto3.client("bedrock-runtime").converse(
            modelId=os.environ["MODEL"],
            messages=[{"role": "user", "content": [{"text": event["converse"]}]}],
        )
        return answer["output"]["message"]["content"][0]["text"]
    if event.get("guard") is not None:
        identifier, version = os.environ["GUARDRAIL"].split(":")
        return boto3.client("bedrock-runtime").apply_guardrail(
            guardrailIdentifier=identifier,
            guardrailVersion=version,
            source="OUTPUT",
            content=[{"text": {"text": event["guard"]}}],
        )["action"]
    if event.get("other_model"):
        boto3.client("bedrock-runtime").converse(
            modelId="anthropic.other", messages=[{"role": "user", "content": [{"text": "x"}]}]
        )
    if event.get("package"):
        return boto3.client("sagemaker").create_model_package(
            ModelPackageGroupName=event["package"]
        )["ModelPackageArn"]
    if event.get("detail-type"):
        boto3.client("s3").put_object(
            Bucket=os.environ["BUCKET"], Key="events/" + event["id"], Body=json.dumps(event)
        )
        return None
    print(json.dumps({
        "_aws": {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [{
            "Namespace": "SevenLensTest", "Dimensions": [["service"]],
            "Metrics": [{"Name": "Answers", "Unit": "Count"}]}]},
        "service": "function", "Answers": 3,
    }))
    return {"statusCode": 200, "body": json.dumps({"path": event.get("path"), "mark": MARK})}
"""


def template(*, mark: str, asset: str, names: str) -> dict[str, Any]:
    function_policy: list[dict[str, Any]] = [
        {"Action": "bedrock:InvokeModel", "Resource": {"Fn::Sub": MODEL_ARN}},
        {
            "Action": "bedrock:ApplyGuardrail",
            "Resource": {"Fn::GetAtt": ["Guardrail", "GuardrailArn"]},
        },
        {"Action": "sagemaker:CreateModelPackage", "Resource": {"Ref": "Group"}},
        {"Action": "s3:PutObject", "Resource": {"Fn::Sub": "${Bucket.Arn}/events/*"}},
        {"Action": "logs:*", "Resource": "*"},
    ]
    assume = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "lambda.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
    resources: dict[str, Any] = {
        "Bucket": {"Type": "AWS::S3::Bucket"},
        "Group": {
            "Type": "AWS::SageMaker::ModelPackageGroup",
            "Properties": {"ModelPackageGroupName": names},
        },
        "Guardrail": {
            "Type": "AWS::Bedrock::Guardrail",
            "Properties": {
                "Name": names,
                "BlockedInputMessaging": "no",
                "BlockedOutputsMessaging": "no",
                "WordPolicyConfig": {"WordsConfig": [{"Text": "원금 보장"}, {"Text": "risk free"}]},
                "TopicPolicyConfig": {
                    "TopicsConfig": [
                        {
                            "Name": "Tax advice",
                            "Definition": "Advice on taxes",
                            "Examples": ["how to avoid taxes"],
                            "Type": "DENY",
                        }
                    ]
                },
            },
        },
        "GuardrailVersion": {
            "Type": "AWS::Bedrock::GuardrailVersion",
            "Properties": {"GuardrailIdentifier": {"Fn::GetAtt": ["Guardrail", "GuardrailId"]}},
        },
        "Budget": {
            "Type": "AWS::Budgets::Budget",
            "Properties": {"Budget": {"BudgetType": "COST", "TimeUnit": "MONTHLY"}},
        },
        "Role": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "AssumeRolePolicyDocument": assume,
                "Policies": [
                    {
                        "PolicyName": "p",
                        "PolicyDocument": {
                            "Version": "2012-10-17",
                            "Statement": [{"Effect": "Allow", **row} for row in function_policy],
                        },
                    }
                ],
            },
        },
        "Function": {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "Runtime": "python3.11",
                "Handler": "index.handler",
                "Role": {"Fn::GetAtt": ["Role", "Arn"]},
                "Timeout": 20,
                "Code": {
                    "S3Bucket": {
                        "Fn::Sub": "cdk-hnb659fds-assets-${AWS::AccountId}-${AWS::Region}"
                    },
                    "S3Key": f"{asset}.zip",
                },
                "Environment": {
                    "Variables": {
                        "MARK": mark,
                        "MODEL": MODEL,
                        "BUCKET": {"Ref": "Bucket"},
                        "GUARDRAIL": {
                            "Fn::Sub": "${Guardrail.GuardrailId}:${GuardrailVersion.Version}"
                        },
                    }
                },
            },
        },
        "Rule": {
            "Type": "AWS::Events::Rule",
            "Properties": {
                "EventPattern": {
                    "source": ["aws.sagemaker"],
                    "detail-type": ["SageMaker Model Package State Change"],
                    "detail": {"ModelApprovalStatus": ["Approved"]},
                },
                "Targets": [{"Id": "f", "Arn": {"Fn::GetAtt": ["Function", "Arn"]}}],
            },
        },
        "LostRule": {
            "Type": "AWS::Events::Rule",
            "Properties": {
                "EventPattern": {
                    "source": ["aws.states"],
                    "detail-type": ["Step Functions Execution Status Change"],
                    "detail": {"status": ["FAILED"]},
                },
                "Targets": [{"Id": "f", "Arn": {"Fn::GetAtt": ["Function", "Arn"]}}],
            },
        },
        "RulePermission": {
            "Type": "AWS::Lambda::Permission",
            "Properties": {
                "Action": "lambda:InvokeFunction",
                "FunctionName": {"Ref": "Function"},
                "Principal": "events.amazonaws.com",
            },
        },
        **_api(),
    }
    return {
        "Resources": resources,
        "Parameters": {
            "BootstrapVersion": {
                "Type": "AWS::SSM::Parameter::Value<String>",
                "Default": "/cdk-bootstrap/hnb659fds/version",
            }
        },
        "Outputs": {
            "Function": {"Value": {"Ref": "Function"}},
            "Bucket": {"Value": {"Ref": "Bucket"}},
            "Guardrail": {
                "Value": {"Fn::Sub": "${Guardrail.GuardrailId}:${GuardrailVersion.Version}"}
            },
            "Api": {"Value": {"Ref": "Api"}},
        },
    }


MODEL = "apac.anthropic.test-v1:0"
MODEL_ARN = f"arn:aws:bedrock:${{AWS::Region}}:${{AWS::AccountId}}:inference-profile/{MODEL}"


def _api() -> dict[str, Any]:
    invoke = (
        "arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/"
        "${Function.Arn}/invocations"
    )
    return {
        "Api": {"Type": "AWS::ApiGateway::RestApi", "Properties": {"Name": "api"}},
        "Resource": {
            "Type": "AWS::ApiGateway::Resource",
            "Properties": {
                "RestApiId": {"Ref": "Api"},
                "ParentId": {"Fn::GetAtt": ["Api", "RootResourceId"]},
                "PathPart": "hello",
            },
        },
        "Method": {
            "Type": "AWS::ApiGateway::Method",
            "Properties": {
                "RestApiId": {"Ref": "Api"},
                "ResourceId": {"Ref": "Resource"},
                "HttpMethod": "GET",
                "AuthorizationType": "AWS_IAM",
                "Integration": {
                    "Type": "AWS_PROXY",
                    "IntegrationHttpMethod": "POST",
                    "Uri": {"Fn::Sub": invoke},
                },
            },
        },
        "Deployment": {
            "Type": "AWS::ApiGateway::Deployment",
            "DependsOn": ["Method"],
            "Properties": {"RestApiId": {"Ref": "Api"}},
        },
        "Stage": {
            "Type": "AWS::ApiGateway::Stage",
            "Properties": {
                "RestApiId": {"Ref": "Api"},
                "DeploymentId": {"Ref": "Deployment"},
                "StageName": "live",
            },
        },
        "ApiPermission": {
            "Type": "AWS::Lambda::Permission",
            "Properties": {
                "Action": "lambda:InvokeFunction",
                "FunctionName": {"Ref": "Function"},
                "Principal": "apigateway.amazonaws.com",
            },
        },
    }


def write_assembly(
    folder: Path, *, mark: str = "one", stack: str = "house", names: str = "models"
) -> Path:
    """Write an assembly of one stack with a zipped function and its template as assets."""
    code = f"MARK = {mark!r}\n{HANDLER}"
    asset = hashlib.sha256(code.encode()).hexdigest()
    source = folder / f"asset.{asset}"
    source.mkdir(parents=True, exist_ok=True)
    (source / "index.py").write_text(code)
    content = json.dumps(template(mark=mark, asset=asset, names=names))
    (folder / f"{stack}.template.json").write_text(content)
    bucket = "cdk-hnb659fds-assets-${AWS::AccountId}-${AWS::Region}"

    def file(path: str, packaging: str, key: str) -> dict[str, Any]:
        return {
            "source": {"path": path, "packaging": packaging},
            "destinations": {"x": {"bucketName": bucket, "objectKey": key}},
        }

    template_key = f"{hashlib.sha256(content.encode()).hexdigest()}.json"
    (folder / f"{stack}.assets.json").write_text(
        json.dumps(
            {
                "version": "48.0.0",
                "files": {
                    "code": file(source.name, "zip", f"{asset}.zip"),
                    "template": file(f"{stack}.template.json", "file", template_key),
                },
            }
        )
    )
    (folder / "manifest.json").write_text(
        json.dumps(
            {
                "version": "48.0.0",
                "artifacts": {
                    f"{stack}.assets": {
                        "type": "cdk:asset-manifest",
                        "properties": {"file": f"{stack}.assets.json"},
                    },
                    stack: {
                        "type": "aws:cloudformation:stack",
                        "environment": "aws://unknown-account/unknown-region",
                        "properties": {
                            "templateFile": f"{stack}.template.json",
                            "stackName": stack,
                            "bootstrapStackVersionSsmParameter": "/cdk-bootstrap/hnb659fds/version",
                        },
                        "dependencies": [f"{stack}.assets"],
                    },
                },
            }
        )
    )
    return folder
